#include "tuner/backend/onednn/source.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tuner/backend/imported/prepared_calls.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::onednn {
namespace {

tl::unexpected<Ending> unsupported(std::string reason) {
  return tl::unexpected(runtime::unsupported(std::move(reason)));
}

constexpr char kWhoDoes[] = "; others run it: --backend cpu, onnxruntime or openvino";

Outcome<Source> source_of_file(const Model& model, DType dtype, GraphReader read) {
  auto graph = read(model);
  if (!graph) return unsupported(to_string(graph.error()));
  const bool f32 = dtype == DType::f32;
  BT_TRY(lowered, imported::lower_imported(std::move(*graph), model,
                                           {.floats = f32 ? ElementType::f32 : ElementType::bf16}));
  Source source;
  source.values = std::move(lowered.weights);
  source.held_bytes = weight_bytes(lowered.native, DType::f32) + imported::constant_bytes(lowered);
  source.lowered = std::make_shared<const imported::LoweredModel>(std::move(lowered));
  source.model = std::shared_ptr<const Model>(source.lowered, &source.lowered->native);
  return source;
}

}  // namespace

Outcome<Source> source_of(const Model& model, std::uint64_t seed, DType dtype, GraphReader read) {
  if (read != nullptr && model.file && model.file->format == "onnx")
    return source_of_file(model, dtype, read);
  const auto foreign = std::find_if(model.ops.begin(), model.ops.end(),
                                    [](const Op& op) { return op.kind == OpKind::foreign; });
  if (foreign != model.ops.end())
    return unsupported("the onednn backend cannot run operations that are counted alone, as " +
                       foreign->operation + kWhoDoes);
  auto own = std::make_shared<const Model>(model);
  return Source{own, std::make_unique<SeededWeights>(seed, *own), 0};
}

}  // namespace batchtune::onednn

#include "tuner/backend/onednn/source.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tuner/backend/imported/lowered.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::onednn {
namespace {

tl::unexpected<Ending> unsupported(std::string reason) {
  return tl::unexpected(runtime::unsupported(std::move(reason)));
}

constexpr char kWhoDoes[] = "; others run it: --backend cpu, onnxruntime or openvino";

// First samples one after the other, and in the Model's type: what set_input() and read_output()
// do.
bool lies_plain(const imported::FileTensor& tensor) {
  return tensor.operand.kind == imported::Operand::Kind::tensor &&
         tensor.operand.shape.batch_axis == 0 && tensor.operand.type == ElementType::f32;
}

Outcome<Source> source_of_file(const Model& model, GraphReader read) {
  auto graph = read(model);
  if (!graph) return unsupported(to_string(graph.error()));
  BT_TRY(lowered, imported::lower_imported(std::move(*graph), model));
  if (!lowered.calls.empty())
    return unsupported(
        "oneDNN's primitives do not cover this model: " + std::to_string(lowered.calls.size()) +
        " of its operations (the first: " + lowered.calls.front().operation + ")" + kWhoDoes);
  for (const auto* tensors : {&lowered.inputs, &lowered.outputs})
    for (const imported::FileTensor& tensor : *tensors)
      if (!lies_plain(tensor))
        return unsupported(
            "the onednn backend takes and gives f32 tensors with the batch first, "
            "which " +
            tensor.name + " is not" + kWhoDoes);
  Source source{std::make_shared<const Model>(std::move(lowered.native)),
                std::move(lowered.weights), 0};
  source.held_bytes = weight_bytes(*source.model, DType::f32);
  return source;
}

}  // namespace

Outcome<Source> source_of(const Model& model, std::uint64_t seed, GraphReader read) {
  if (read != nullptr && model.file && model.file->format == "onnx")
    return source_of_file(model, read);
  const auto foreign = std::find_if(model.ops.begin(), model.ops.end(),
                                    [](const Op& op) { return op.kind == OpKind::foreign; });
  if (foreign != model.ops.end())
    return unsupported("the onednn backend cannot run operations that are counted alone, as " +
                       foreign->operation + kWhoDoes);
  auto own = std::make_shared<const Model>(model);
  return Source{own, std::make_unique<SeededWeights>(seed, *own), 0};
}

}  // namespace batchtune::onednn

#include "tuner/workload/hlo/source.h"

#include <cstring>
#include <utility>
#include <vector>

#include "tuner/workload/hlo/imported/file_program.h"
#include "tuner/workload/hlo/imported/file_weights.h"

namespace batchtune {

Result<HloSource> HloSource::open(const Model& model, std::uint64_t seed) {
  if (!model.file) return HloSource(model, seed, std::nullopt);
  BT_TRY(graph, read_onnx_graph(model));
  return HloSource(std::move(graph), model);
}

HloSource::HloSource(Model model, std::uint64_t seed, std::optional<FileGraph> graph)
    : model_(std::move(model)), seed_(seed), graph_(std::move(graph)) {
  if (graph_) hlo::find_weights(*graph_);
}

HloSource::HloSource(FileGraph graph, Model inputs)
    : HloSource(std::move(inputs), 0, std::optional(std::move(graph))) {}

Result<HloModule> HloSource::program(std::int64_t batch, DType dtype) const {
  return graph_ ? hlo::make_file_program(*graph_, model_, batch, dtype)
                : make_hlo(model_, batch, dtype);
}

void HloSource::fill(const HloTensor& weight, std::span<std::byte> bytes,
                     std::int64_t first) const {
  if (graph_) return hlo::fill_from_file(*graph_, weight, bytes, first);
  std::vector<float> values(bytes.size() / size_of(weight.element));
  fill_hlo_weight(seed_, model_, weight, values, first);
  if (weight.element == HloElement::f32)
    std::memcpy(bytes.data(), values.data(), bytes.size());
  else
    hlo::to_bfloat16(values, bytes);
}

}  // namespace batchtune

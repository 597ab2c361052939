#include "tuner/estimate/roofline.h"

#include <algorithm>
#include <limits>

#include "tuner/estimate/figures.h"

namespace batchtune {
namespace {

bool is_depthwise(const Model& model, const Op& op) {
  if (op.kind != OpKind::conv2d || op.groups <= 1 || op.inputs.empty()) return false;
  const OpIndex input = find_op(model, op.inputs[0]);
  return input >= 0 && model.ops[input].output.back() == op.groups;
}

Arithmetic arithmetic_of(const Model& model, const Op& op) {
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::batched_matmul:
      return Arithmetic::matrix;
    case OpKind::conv2d:
      return is_depthwise(model, op) ? Arithmetic::depthwise : Arithmetic::matrix;
    case OpKind::foreign:
      if (!work_of(model, op).product) return Arithmetic::vector;
      return op.groups > 1 && op.groups == op.columns ? Arithmetic::depthwise : Arithmetic::matrix;
    default:
      return Arithmetic::vector;
  }
}

// Whether the tensor is one of the model's inputs, seen through reshapes.
bool is_standing(const Model& model, OpIndex index) {
  while (index >= 0 && model.ops[index].kind == OpKind::reshape && !model.ops[index].inputs.empty())
    index = find_op(model, model.ops[index].inputs[0]);
  return index >= 0 && model.ops[index].kind == OpKind::input;
}

LayerWork layer_of(const Model& model, const Op& op) {
  const OpWork work = work_of(model, op);
  double standing = 0;
  for (OpIndex read : reads_of(model, op))
    if (is_standing(model, read)) standing += static_cast<double>(elements(model.ops[read].output));
  standing = std::min(standing, work.input_elements);  // a window or slice may read only a part
  return {.arithmetic = arithmetic_of(model, op),
          .flops = work.flops,
          .weight_elements = work.weight_reads,
          .input_elements = work.input_elements - standing,
          .standing_elements = standing,
          .output_elements = work.output_elements};
}

}  // namespace

bool is_layer(const Op& op) {
  return op.kind != OpKind::input && op.kind != OpKind::reshape && !op.fused;
}

std::vector<LayerWork> layers_of(const Model& model) {
  std::vector<LayerWork> layers;
  for (const Op& op : model.ops)
    if (is_layer(op)) layers.push_back(layer_of(model, op));
  return layers;
}

Result<Roofline> Roofline::make(std::vector<LayerWork> layers, const MemoryLine& memory,
                                const DeviceInfo& device, const CandidateGroup& group) {
  BT_TRY(peak, device_peak(device, group.dtype));
  BT_TRY_VOID(main_memory_bandwidth(device));
  Roofline out;
  out.layers_ = std::move(layers);
  out.memory_ = memory;
  out.matrix_peak_ = peak;
  const double f32_peak = device_peak(device, DType::f32).value_or(peak * kF32OverMatrixPeak);
  out.depthwise_peak_ = f32_peak * kDepthwiseShare;
  out.vector_peak_ = f32_peak * kVectorShare;
  double slowest = std::numeric_limits<double>::infinity();
  for (const MemoryLevel& level : device.memory_levels) {  // one of unknown size holds nothing
    slowest = std::min(slowest, level.bytes_per_second);
    out.levels_.push_back({level.capacity_bytes.value_or(0), slowest});
  }
  out.levels_.back().capacity = std::numeric_limits<double>::infinity();
  out.element_bytes_ = static_cast<double>(size_of(group.dtype));
  out.instances_ = group.instances;
  const bool cpu = device.backend == "cpu";
  out.run_overhead_ = device.run_overhead.value_or(cpu ? kDefaultCpuRunOverhead : 0);
  out.layer_overhead_ = device.layer_overhead.value_or(cpu ? kDefaultCpuLayerOverhead : 0);
  return out;
}

double Roofline::bandwidth_holding(double bytes) const {
  for (const Level& level : levels_)
    if (bytes <= level.capacity) return level.bandwidth;
  return levels_.back().bandwidth;
}

double Roofline::ceiling(Arithmetic arithmetic) const {
  switch (arithmetic) {
    case Arithmetic::matrix:
      return matrix_peak_;
    case Arithmetic::depthwise:
      return depthwise_peak_;
    case Arithmetic::vector:
      return vector_peak_;
  }
  return matrix_peak_;
}

Roofline::LayerTerms Roofline::terms_of(const LayerWork& layer, std::int64_t batch) const {
  const double samples = static_cast<double>(batch) * instances_;
  const double standing_bandwidth =
      bandwidth_holding(memory_.weights + memory_.activations_at(static_cast<double>(batch)));
  const double passed = samples * element_bytes_ * (layer.input_elements + layer.output_elements);
  const double standing =
      element_bytes_ * (samples * layer.standing_elements + instances_ * layer.weight_elements);
  return {samples * layer.flops / ceiling(layer.arithmetic),
          passed / bandwidth_holding(passed) + standing / standing_bandwidth};
}

std::vector<Seconds> Roofline::layer_bounds(std::int64_t batch) const {
  std::vector<Seconds> bounds;
  for (const LayerWork& layer : layers_) {
    const LayerTerms terms = terms_of(layer, batch);
    bounds.push_back(std::max(terms.computing, terms.moving));
  }
  return bounds;
}

PointEstimate Roofline::at(std::int64_t batch) const {
  const double samples = static_cast<double>(batch) * instances_;
  Seconds compute = 0, memory = 0;
  for (const LayerWork& layer : layers_) {
    const auto [arithmetic, moving] = terms_of(layer, batch);
    (arithmetic >= moving ? compute : memory) += std::max(arithmetic, moving);
  }
  const Seconds overhead = run_overhead_ + layer_overhead_ * static_cast<double>(layers_.size());

  PointEstimate point;
  point.batch = batch;
  point.latency = compute + memory + overhead;
  point.computing = compute;
  point.moving = memory;
  point.overhead = overhead;
  point.throughput = point.latency > 0 ? samples / point.latency : 0;
  point.memory = memory_.at(static_cast<double>(batch));
  point.bound = overhead > std::max(compute, memory) ? Bound::overhead
                : compute >= memory                  ? Bound::compute
                                                     : Bound::memory;
  return point;
}

}  // namespace batchtune

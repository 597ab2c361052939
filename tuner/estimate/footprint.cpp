#include "tuner/estimate/footprint.h"

#include <algorithm>

#include "tuner/workload/memory_plan.h"

namespace batchtune {
namespace {

// Two batches far enough apart that alignment does not tilt the line, and small enough to plan
// fast.
constexpr std::int64_t kNearBatch = 1;
constexpr std::int64_t kFarBatch = 65;

// Of a device with several cores, each with memory of its own, what is on one of them.
int instances_on_core(const CandidateGroup& group) {
  return group.instances / std::max(1, group.cores);
}

double workspace_bytes(const CandidateGroup& group) {
  return kWorkspacePerThread * group.threads * instances_on_core(group);
}

}  // namespace

MemoryLine planned_memory_line(const Model& model, const CandidateGroup& group) {
  const auto near_bytes =
      static_cast<double>(plan_memory(model, kNearBatch, group.dtype).arena_bytes);
  const auto far_bytes =
      static_cast<double>(plan_memory(model, kFarBatch, group.dtype).arena_bytes);
  MemoryLine line;
  line.weights = static_cast<double>(weight_bytes(model, group.dtype));
  line.workspace = workspace_bytes(group);
  line.activations_per_sample =
      (far_bytes - near_bytes) / static_cast<double>(kFarBatch - kNearBatch);
  line.activations_fixed =
      std::max(0.0, near_bytes - line.activations_per_sample * static_cast<double>(kNearBatch));
  line.instances = instances_on_core(group);
  return line;
}

}  // namespace batchtune

#include "tuner/estimate/footprint.h"

#include <algorithm>
#include <limits>

#include "tuner/estimate/figures.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune {
namespace {

// Two batches far enough apart that alignment does not tilt the line, and small enough to plan
// fast.
constexpr std::int64_t kNearBatch = 1;
constexpr std::int64_t kFarBatch = 65;

double workspace_bytes(const CandidateGroup& group) {
  return kWorkspacePerThread * group.threads * group.instances;
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
  line.instances = group.instances;
  return line;
}

Bytes predicted_bytes(const Model& model, const Candidate& candidate) {
  const CandidateGroup& group = candidate.group;
  const auto arena =
      static_cast<double>(plan_memory(model, candidate.batch, group.dtype).arena_bytes);
  // A double is exact up to 2^53 bytes, far above any memory; beyond that only "too much" matters.
  const double total = static_cast<double>(weight_bytes(model, group.dtype)) +
                       workspace_bytes(group) + group.instances * arena;
  constexpr Bytes kMost = std::numeric_limits<Bytes>::max();
  return total >= static_cast<double>(kMost) ? kMost : static_cast<Bytes>(total);
}

std::int64_t largest_fitting_batch(const Model& model, const CandidateGroup& group, Bytes limit) {
  const auto fits = [&](std::int64_t batch) {
    return predicted_bytes(model, {group, batch}) <= limit;
  };
  if (!fits(1)) return 0;
  std::int64_t fitting = 1;
  while (fitting < kLargestBatch && fits(fitting * 2)) fitting *= 2;
  if (fitting >= kLargestBatch) return kLargestBatch;
  std::int64_t failing = fitting * 2;
  while (failing - fitting > 1) {
    const std::int64_t middle = fitting + (failing - fitting) / 2;
    (fits(middle) ? fitting : failing) = middle;
  }
  return fitting;
}

}  // namespace batchtune

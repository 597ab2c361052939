#include "tuner/backend/simulated/cost.h"

#include <algorithm>
#include <cmath>

#include "tuner/workload/work.h"

namespace batchtune::simulated {
namespace {

constexpr double kThreadScaling = 0.9;     // n threads are n^0.9 times as fast
constexpr double kInstanceSlowdown = 0.1;  // each further instance slows all of them: shared memory
constexpr double kSpillCost = 0.4;         // most that spilling out of the cache adds to arithmetic
constexpr Bytes kWorkspacePerThread = Bytes{1} << 20;
constexpr Bytes kSaturated = Bytes{1} << 60;  // three of them still add up without overflow

// Arithmetic grows once a batch no longer fits the cache: throughput has a hump there.
double spill(std::int64_t batch, std::int64_t hump) {
  if (hump == 0 || batch <= hump) return 1;
  return 1 + kSpillCost * (1 - static_cast<double>(hump) / static_cast<double>(batch));
}

Bytes saturating_product(Bytes per_sample, std::int64_t factor) {
  const double product = static_cast<double>(per_sample) * static_cast<double>(factor);
  return product >= static_cast<double>(kSaturated) ? kSaturated : per_sample * factor;
}

}  // namespace

Seconds run_seconds(const Model& model, const Candidate& candidate, const Parameters& parameters) {
  const CandidateGroup& group = candidate.group;
  const auto width = static_cast<double>(size_of(group.dtype));
  const double speedup = std::pow(group.threads, kThreadScaling) * 4 / width;  // f32 has 4 bytes
  const double rate = parameters.rate * speedup;
  const std::int64_t tiles = (candidate.batch - 1) / parameters.tile + 1;
  const double paid_samples = static_cast<double>(tiles) * static_cast<double>(parameters.tile) *
                              spill(candidate.batch, parameters.hump);
  Seconds seconds = 0;
  for (const Op& op : model.ops) {
    if (op.kind == OpKind::input || op.kind == OpKind::reshape) continue;
    const OpWork work = work_of(model, op);
    const double streaming = work.weight_reads * width * kFlopsPerWeightByte;
    seconds += parameters.overhead + (work.flops * paid_samples + streaming) / rate;
  }
  return seconds * (1 + kInstanceSlowdown * (group.instances - 1));
}

Bytes weights_of(const Model& model, DType dtype) {
  double parameters = 0;
  for (const Op& op : model.ops) parameters += work_of(model, op).weight_elements;
  return static_cast<Bytes>(parameters) * static_cast<Bytes>(size_of(dtype));
}

MemoryUse memory_of(const Model& model, const Candidate& candidate) {
  const CandidateGroup& group = candidate.group;
  std::int64_t written = 0;
  for (const Op& op : model.ops)
    if (op.kind != OpKind::reshape) written += elements(op.output);
  MemoryUse use;
  use.weights = weights_of(model, group.dtype);
  use.activations = saturating_product(
      written * static_cast<Bytes>(size_of(group.dtype)) * group.instances, candidate.batch);
  use.workspace = kWorkspacePerThread * group.threads * group.instances;
  return use;
}

}  // namespace batchtune::simulated

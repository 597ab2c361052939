#include "tuner/cli/defaults.h"

#include <algorithm>

#include "tuner/cli/host.h"

namespace batchtune {
namespace {

// A run that takes 20 times what was estimated is taken to hang, but nothing below a minute is.
constexpr Seconds kLeastTimeout = 60;
constexpr double kTimeoutOverEstimate = 20;

constexpr std::uint64_t kDefaultSeed = 1;

}  // namespace

std::vector<std::string> backends_of(const TuningRequest& request) {
  return request.backends.empty() ? std::vector<std::string>{"cpu"} : request.backends;
}

std::vector<DType> dtypes_of(const TuningRequest& request) {
  return request.dtypes.empty() ? std::vector{DType::f32} : request.dtypes;
}

int instances_of(const TuningRequest& request) {
  return request.instances.value_or(1);
}

std::vector<int> threads_of(const TuningRequest& request) {
  if (!request.threads.empty()) return request.threads;
  return {std::max(1, cpu_share().usable / instances_of(request))};
}

BoundaryWish boundary_of(const TuningRequest& request) {
  return request.boundary.value_or(request.memory_limit ? BoundaryWish::probed
                                                        : BoundaryWish::predicted);
}

Seconds timeout_of(const TuningRequest& request, const std::vector<Estimate>& estimates) {
  Seconds longest = 0;
  for (const Estimate& estimate : estimates)
    for (const PointEstimate& point : estimate.curve)
      if (point.batch <= estimate.batch) longest = std::max(longest, point.latency);
  return request.timeout.value_or(std::max(kLeastTimeout, kTimeoutOverEstimate * longest));
}

std::string strategy_of(const TuningRequest& request) {
  return request.strategy.empty() ? std::string(strategies().front().name) : request.strategy;
}

std::uint64_t seed_of(const TuningRequest& request) {
  return request.seed.value_or(kDefaultSeed);
}

Budget budget_of(const TuningRequest& request) {
  Budget budget;
  budget.racing = request.budget.value_or(budget.racing);
  budget.probing = request.probe_budget.value_or(budget.probing);
  return budget;
}

MemoryLimit default_memory_limit(const std::vector<OpenDevice>& devices) {
  const bool all_simulated =
      std::all_of(devices.begin(), devices.end(),
                  [](const OpenDevice& device) { return device.entry->simulated; });
  if (all_simulated && devices.front().figures.device.memory_bytes)
    return {static_cast<Bytes>(*devices.front().figures.device.memory_bytes), "device memory"};
  const MemoryShare share = memory_share();
  return {share.limit, share.origin};
}

}  // namespace batchtune

#include "tuner/cli/defaults.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/neuron/options.h"
#include "tuner/backend/runtime/finder.h"
#include "tuner/cli/host.h"
#include "tuner/core/units.h"
#include "tuner/measure/stop_rule.h"

namespace batchtune {
namespace {

// A run that takes 20 times what was estimated is taken to hang, but nothing below a minute is.
constexpr Seconds kLeastTimeout = 60;
constexpr double kTimeoutOverEstimate = 20;

constexpr std::uint64_t kDefaultSeed = 1;

// Of the budget: long enough to see memory grow, short enough to be left on.
constexpr double kSoakShare = 0.1;

// Programs of neuron are compiled where they are prepared: an hour for a large one.
constexpr Seconds kLeastTimeoutOfCompilers = 2 * 3600;

// Memory of a device of its own has nothing to do with what is available here.
bool has_own_memory(const BackendEntry& entry) {
  return entry.simulated || entry.memory_kind == MemoryKind::device;
}

bool compiles(const std::vector<Estimate>& estimates) {
  return std::any_of(estimates.begin(), estimates.end(), [](const Estimate& estimate) {
    return estimate.group.backend == neuron::kName;
  });
}

bool all_have_own_memory(const TuningRequest& request) {
  const auto specs = backends_of(request);
  return std::all_of(specs.begin(), specs.end(), [](const std::string& spec) {
    return has_own_memory(*find_backend(split_backend_spec(spec).name));
  });
}

}  // namespace

std::vector<std::string> backends_of(const TuningRequest& request) {
  return request.backends.empty() ? std::vector<std::string>{"cpu"} : request.backends;
}

std::vector<DType> dtypes_of(const TuningRequest& request, const OpenDevice& device) {
  if (!request.dtypes.empty()) return request.dtypes;
  if (request.equal_settings) return {DType::f32};
  return {device.figures.device.default_dtype.value_or(DType::f32)};
}

std::string dtype_origin(const TuningRequest& request, const OpenDevice& device) {
  if (!request.dtypes.empty()) return "--dtype";
  if (!device.figures.device.default_dtype) return "default";
  if (request.equal_settings) return "--equal-settings";
  const RuntimeLibrary* const runtime = device.entry->runtime;
  return std::string(runtime != nullptr ? runtime->title : device.entry->name) + "'s default";
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
  const Seconds least = compiles(estimates) ? kLeastTimeoutOfCompilers : kLeastTimeout;
  return request.timeout.value_or(std::max(least, kTimeoutOverEstimate * longest));
}

const char* timeout_origin(const std::vector<Estimate>& estimates) {
  return compiles(estimates) ? "the longer of 2 h, for the compiler, and 20 x the estimate"
                             : "the longer of 60 s and 20 x the estimate";
}

std::string strategy_of(const TuningRequest& request) {
  if (!request.user_batches.empty()) return "exhaustive";  // few compiled batches can serve a mix best
  return request.strategy.empty() ? std::string(strategies().front().name) : request.strategy;
}

std::string stop_rule_of(const TuningRequest& request) {
  return request.stop.empty() ? std::string(stop_rules().front().name) : request.stop;
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

Seconds soak_of(const TuningRequest& request) {
  return request.soak.value_or(kSoakShare * budget_of(request).racing);
}

LimiterWish limiter_of(const TuningRequest& request) {
  return request.limiter.value_or(LimiterWish::automatic);
}

MemoryLimit default_memory_limit(const std::vector<OpenDevice>& devices) {
  const bool own = std::all_of(devices.begin(), devices.end(), [](const OpenDevice& device) {
    return has_own_memory(*device.entry);
  });
  if (own && devices.front().figures.device.memory_bytes)
    return {static_cast<Bytes>(*devices.front().figures.device.memory_bytes), "device memory"};
  const MemoryShare share = memory_share();
  return {share.limit, share.origin};
}

std::optional<Bytes> safe_memory(const TuningRequest& request, Bytes memory_limit) {
  if (request.allow_system_oom || all_have_own_memory(request)) return std::nullopt;
  const Bytes safe = safe_share_of_available();
  // A limit by default was safe when it was made, moments ago.
  const bool fits = !request.memory_limit || memory_limit <= safe;
  const bool stopped = limiter_of(request) != LimiterWish::none && fits;
  return stopped ? std::nullopt : std::optional(safe);
}

Status check_memory_limit(const TuningRequest& request) {
  if (!request.memory_limit || limiter_of(request) != LimiterWish::none) return {};
  const auto safe = safe_memory(request, *request.memory_limit);
  if (!safe || *request.memory_limit <= *safe || boundary_of(request) != BoundaryWish::probed)
    return {};
  return bad_input(fmt::format("a memory limit of at most {} (80 % of what is available) where no "
                               "limiter holds",
                               format_bytes(static_cast<double>(*safe))),
                   format_bytes(static_cast<double>(*request.memory_limit)),
                   "--memory-limit, --limiter none",
                   "Give --limiter auto, or --allow-system-oom where the system may run out of "
                   "memory");
}

}  // namespace batchtune

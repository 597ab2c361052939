// What a request means where nothing was given. Where a default depends on the machine, it says on
// what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/cli/devices.h"
#include "tuner/cli/options.h"
#include "tuner/core/estimate.h"

namespace batchtune {

std::vector<std::string> backends_of(const TuningRequest& request);  // specs; "cpu"
// Of a device's groups: as asked for, else what it computes in by itself (f32 where nothing says);
// --equal-settings has f32 everywhere.
std::vector<DType> dtypes_of(const TuningRequest& request, const OpenDevice& device);
std::string dtype_origin(const TuningRequest& request, const OpenDevice& device);  // "OpenVINO's default"
BoundaryWish boundary_of(
    const TuningRequest& request);  // probed where a memory limit was given, else predicted
std::string strategy_of(const TuningRequest& request);   // the first of the table
std::string stop_rule_of(const TuningRequest& request);  // likewise; of measure
std::uint64_t seed_of(const TuningRequest& request);
Budget budget_of(const TuningRequest& request);
Seconds soak_of(const TuningRequest& request);  // a tenth of the budget
LimiterWish limiter_of(const TuningRequest& request);

// The longer of a minute (two hours where programs are compiled first) and 20 times what the search's
// first guess was estimated to take.
Seconds timeout_of(const TuningRequest& request, const std::vector<Estimate>& estimates);
const char* timeout_origin(const std::vector<Estimate>& estimates);  // the same in words

struct MemoryLimit {
  Bytes limit = 0;
  std::string origin;
};
// A device with memory of its own is limited by that; the CPU shares the machine's.
MemoryLimit default_memory_limit(const std::vector<OpenDevice>& devices);

// Bytes above which a probe could take the whole system down: 80 % of what is available, where no
// limiter stops it before. nullopt: nothing can (a simulated device, a limit below that), or the
// user allows it.
std::optional<Bytes> safe_memory(const TuningRequest& request, Bytes memory_limit);

// Refuses what cannot be probed safely: a memory limit above that without any limiter.
Status check_memory_limit(const TuningRequest& request);

}  // namespace batchtune

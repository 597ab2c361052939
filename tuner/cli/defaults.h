// What a request means where nothing was given. Where a default depends on the machine, it says on
// what.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/devices.h"
#include "tuner/cli/options.h"
#include "tuner/core/estimate.h"

namespace batchtune {

std::vector<std::string> backends_of(const TuningRequest& request);  // specs; "cpu"
std::vector<DType> dtypes_of(const TuningRequest& request);          // f32
int instances_of(const TuningRequest& request);                      // one
std::vector<int> threads_of(const TuningRequest& request);  // all CPUs, shared by the instances
BoundaryWish boundary_of(
    const TuningRequest& request);  // probed where a memory limit was given, else predicted
std::string strategy_of(const TuningRequest& request);  // the first of the table
std::uint64_t seed_of(const TuningRequest& request);
Budget budget_of(const TuningRequest& request);

// The longer of a minute and 20 times what the search's first guess was estimated to take.
Seconds timeout_of(const TuningRequest& request, const std::vector<Estimate>& estimates);

struct MemoryLimit {
  Bytes limit = 0;
  std::string origin;
};
// A device with memory of its own is limited by that; the CPU shares the machine's.
MemoryLimit default_memory_limit(const std::vector<OpenDevice>& devices);

}  // namespace batchtune

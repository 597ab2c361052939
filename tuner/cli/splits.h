// How the CPUs are split into instances and threads of each, from --instances and --threads. Each
// split is a group of the search.
#pragma once

#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"

namespace batchtune {

struct Split {
  int instances = 1;
  int threads = 1;  // of each
  int cores = 1;    // of a device with several, that the instances are spread over

  int cpus() const { return instances * threads; }
  bool operator==(const Split&) const = default;
};
std::string to_string(const Split& split);  // "2 x 1 thread"

// Of `cpus` CPUs. Nothing given, or --instances auto: each divisor of their number, with the
// threads that it leaves. --instances alone: likewise for these. --threads alone: one instance;
// with auto, each divisor of the number of instances that have room. Both: every pair, without
// those that need more than `most` threads in all.
std::vector<Split> splits_of(const TuningRequest& request, int cpus, int most);

// On this machine; a simulated device has as many CPUs as it is asked for.
std::vector<Split> splits_of(const TuningRequest& request, bool simulated);

// Of a backend's groups: one that has no instances side by side gets none unless asked for.
std::vector<Split> splits_of(const TuningRequest& request, const BackendEntry& backend);

// Refuses numbers that take more threads than there are CPUs whatever they are paired with: that
// would measure the scheduler.
Status check_splits(const TuningRequest& request);

}  // namespace batchtune

// The level that canaries have in quiet moments of this machine, kept from session to session as a
// note of kind "quiet". It fits the processor (family, model and stepping: names of processors are
// coarse), the CPUs that bursts run on, and the bursts' own parameters; for a week, since a guest
// may be moved to another machine.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/measure/canary.h"

namespace batchtune {

// What a note fits. `root`: as in host.h.
struct QuietKey {
  std::string machine, name;
};
QuietKey quiet_key(const std::vector<int>& cpus, const std::string& root = "");

// The CPUs that bursts run on: all that this process may use, whatever a session's threads are,
// since a neighbour on any of them disturbs. Ascending.
std::vector<int> canary_cpus();

// Of `cpus`, as learned at most a week before `now`; empty: nothing is known.
Result<QuietLevels> known_quiet_levels(const Store& store, const std::vector<int>& cpus,
                                       std::time_t now = std::time(nullptr));
Status keep_quiet_levels(Store& store, const std::vector<int>& cpus, const QuietLevels& levels);

}  // namespace batchtune

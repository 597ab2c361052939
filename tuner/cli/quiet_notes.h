// The level that canaries have in quiet moments of this machine, kept from session to session as a
// note of kind "quiet". It fits the CPU model, the number of CPUs that bursts run on, and the
// bursts' own parameters.
#pragma once

#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/measure/canary.h"

namespace batchtune {

Result<QuietLevels> known_quiet_levels(const Store& store, int cpus);  // empty: nothing is known
Status keep_quiet_levels(Store& store, int cpus, const QuietLevels& levels);

}  // namespace batchtune

// A device that exists only as a cost formula: for tests of the search, of worker ends and of
// resuming. Its clock is virtual: runs return at once and report what they would have taken.
// Everything measured on it is marked simulated. Without noise the same candidate takes the same
// time in every run; with noise, all programs of one backend share one machine's disturbances,
// which follow the virtual time of their runs and the seed of the first load. The trap: with noise,
// what a run takes depends on all runs before it in its process; a new process starts at time 0
// with the same disturbances.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"

namespace batchtune {

// `parameters`: see simulated/parameters.h. LoadOptions::parameters, where not empty, replace them.
Result<std::unique_ptr<Backend>> create_simulated_backend(const std::string& parameters);

// Whether they begin with an accelerator or its description: its instances are executions in flight on its cores, and
// take no CPUs.
bool names_accelerator(std::string_view parameters);

}  // namespace batchtune

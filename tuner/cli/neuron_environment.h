// What AWS Neuron's runtime takes from the environment, in the worker that is about to open it:
// which NeuronCore it has, and how long an execution may take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune {

inline constexpr char kNeuronLocks[] = "/tmp";  // the same for all users of the machine

// The spec of the neuron backend with what it is given here: core=N, lnc=N where
// $NEURON_LOGICAL_NC_CONFIG says it, cache= in the user's cache folder unless the spec has one.
// Another backend's spec is left as it is.
//
// A NeuronCore belongs to one process at a time, so each worker takes the first that no other
// worker has: of cores=A-B in the spec, else $NEURON_RT_VISIBLE_CORES, else all that the driver
// lists, else 0-1. It keeps it until it ends. An error when all are taken, by
// another session or two.
Result<std::string> with_neuron_environment(const std::string& spec, const std::string& root = "",
                                            const std::string& locks = kNeuronLocks);

// "0-3", "2", "0-1,4": in order, or an error.
Result<std::vector<int>> parse_cores(const std::string& text, const std::string& where);

// The number of the core whose lock in `folder` this process could take, or nullopt. It is given
// back when the process ends.
std::optional<int> claim_core(const std::vector<int>& cores, const std::string& folder);

}  // namespace batchtune

// What AWS Neuron's runtime takes from the environment, in the worker that is about to open it:
// which NeuronCores it has, and how long an execution may take.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune {

inline constexpr char kNeuronLocks[] = "/tmp";  // the same for all users of the machine

// The spec of the neuron backend with what it is given here: core=N or N-M, lnc=N where
// $NEURON_LOGICAL_NC_CONFIG says it, cache= in the user's cache folder unless the spec has one.
// Another backend's spec is left as it is. What the spec says of lnc the runtime is told.
//
// A NeuronCore belongs to one process at a time, so each worker takes the first that no other
// worker has: take=N in the spec (1), in a row as the runtime wants them, of cores=A-B in the spec,
// else $NEURON_RT_VISIBLE_CORES, else all that the driver lists, else 0-1. It keeps them until it
// ends. An error when there are not so many, or when others have them.
Result<std::string> with_neuron_environment(const std::string& spec, const std::string& root = "",
                                            const std::string& locks = kNeuronLocks);

// "0-3", "2", "0-1,4": in order, or an error.
Result<std::vector<int>> parse_cores(const std::string& text, const std::string& where);

// The first of `count` cores in a row whose locks in `folder` this process could take, or nullopt.
// They are given back when the process ends.
std::optional<int> claim_cores(const std::vector<int>& cores, int count, const std::string& folder);

}  // namespace batchtune

// AWS Neuron as a backend: models on a NeuronCore, by the runtime and the compiler that the user
// has.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/neuron/options.h"

namespace batchtune::neuron {

// Opens the runtime, which takes this process's NeuronCore, and asks the compiler for its version.
// Errors: bad parameters; no library, device, free core or compiler; a device that the compiler
// does not know.
Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters);

}  // namespace batchtune::neuron

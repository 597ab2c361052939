// Any program as a backend: a command that is started for a batch and tells, or is timed for, how
// long its runs take. What it computes is its own affair: outputs are not checked.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"

namespace batchtune::command {

// Without parameters it can be described (list, doctor) but loads nothing. Errors: parameters
// (options.h), the file of rules (rules.h); a program that is not there, where the command begins
// with its name.
Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters);

// Runs the cleanup of a model whose process did not live to do it (LoadOptions::parameters has it), and waits for it, 10
// seconds at most. For whoever started that process.
void clean_up(const Model& model, const LoadOptions& options);

}  // namespace batchtune::command

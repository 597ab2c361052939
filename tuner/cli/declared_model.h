// What the runtime that alone reads a file says of its inputs and outputs, for `describe`.
#pragma once

#include "reports/describe_report.h"
#include "tuner/workload/model.h"

namespace batchtune {

// Loads the file in a worker, with batch 1 of the sizes that it was given. For models of opaque_formats(). Where the
// runtime is missing or refuses, that is said in `trouble`, beside what is known nevertheless.
RuntimeDeclaration ask_runtime(const Model& model);

}  // namespace batchtune

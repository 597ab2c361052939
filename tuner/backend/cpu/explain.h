// What the cpu backend makes of a model that was read from a file, in one line.
#pragma once

#include <string>

#include "tuner/backend/module_services.h"

namespace batchtune::cpu {

// "runs on cpu as 53 x conv2d, 1 x matmul; through kernels/tensor 2 x LRN", or "does not run on cpu: why".
std::string explain(const Model& model, GraphReader read);

}  // namespace batchtune::cpu

// What the cpu backend makes of a model that was read from a file, in one line.
#pragma once

#include <string>

#include "tuner/backend/module_services.h"

namespace batchtune::cpu {

// "runs on cpu as 53 conv2d, 1 matmul, 2 x LRN (f32 alone)", or "does not run on cpu: why".
std::string explain(const Model& model, GraphReader read);

}  // namespace batchtune::cpu

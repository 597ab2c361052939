// What optimizers keep of each parameter. The batching guide says 4 to 12 bytes; these are its two ends and what lies
// between. Sources: 12 = 4 + 4 + 4 for Adam in mixed precision (ZeRO, Rajbhandari et al. 2019, section 3.1); the others
// by the same count of moments and of f32 weights beside weights of 2 bytes.
#pragma once

#include <span>
#include <string_view>

#include "tuner/core/dtype.h"
#include "tuner/core/error.h"

namespace batchtune {

struct Optimizer {
  std::string_view name;
  double moment_bytes = 0;   // of each parameter
  bool f32_weights = false;  // kept beside weights of a smaller type
  std::string_view description;
};

std::span<const Optimizer> optimizers();

// By exact name; the error lists all.
Result<Optimizer> find_optimizer(std::string_view name);

// Of each parameter, for weights of `dtype`.
double bytes_per_parameter(const Optimizer& optimizer, DType dtype);

}  // namespace batchtune

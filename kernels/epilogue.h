// What happens to a sum before it is stored: output = round(f(scale * sum + bias [+ residual]) [+
// residual]). Plain data, included by ISA files: no functions, no standard containers.
#pragma once

#include <cstdint>

#include "kernels/dtype.h"

namespace batchtune::kernels {

enum class Activation : std::uint8_t {
  none,
  relu,
  relu6,      // min(max(x, 0), 6)
  gelu_tanh,  // x / (1 + exp(-2 sqrt(2/pi) (x + 0.044715 x^3)))
  silu,       // x / (1 + exp(-x))
  gelu_erf,   // x (1 + erf(x / sqrt 2)) / 2, the exact one
};

enum class ResidualAt : std::uint8_t { before_activation, after_activation };

struct Epilogue {
  float scale = 1;              // of the sum, before the bias
  const float* bias = nullptr;  // [N], f32; none if null
  Activation activation = Activation::none;
  const void* residual =
      nullptr;  // rows of the output's dtype, as many as the output has; none if null
  std::int64_t residual_stride = 0;  // elements from row to row
  ResidualAt residual_at = ResidualAt::before_activation;
  Dtype output = Dtype::f32;  // what is stored; rounded to nearest even for bf16
};

}  // namespace batchtune::kernels

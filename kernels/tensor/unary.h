// Operations on one tensor, element by element. `out` has the input's shape; it may be the input
// where the types are equal. f16 and bf16 compute in f32 and round once.
#pragma once

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// alpha and beta: what ONNX calls so, or as said; its defaults are the caller's business.
enum class Unary : std::uint8_t {
  // any number
  abs,
  neg,
  sign,
  identity,  // any type
  relu,
  // floats
  exp,
  log,
  sqrt,
  reciprocal,
  floor,
  ceil,
  round,  // halves to even
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  sigmoid,
  leaky_relu,    // alpha
  elu,           // alpha
  selu,          // alpha, beta: gamma
  celu,          // alpha
  hard_sigmoid,  // alpha, beta
  hard_swish,    // x hard_sigmoid(x) with 1/6 and 1/2
  softplus,
  softsign,
  gelu,       // with erf
  gelu_tanh,  // ONNX: approximate = "tanh"
  mish,
  thresholded_relu,  // alpha
  swish,             // x sigmoid(alpha x)
  shrink,            // alpha: lambd, beta: bias; integers as well
  // boolean
  logical_not,
  // integers
  bitwise_not,
  // floats to boolean
  is_nan,
  is_inf,  // alpha: whether to detect negative ones (0 or 1), beta: positive ones
};

Outcome unary(const Context& context, Unary operation, const ConstTensor& in, const Tensor& out,
              double alpha = 0, double beta = 0);

// Between two scalars of the input's type, either of which may be null: no bound. NaN stays.
Outcome clip(const Context& context, const ConstTensor& in, const ConstTensor* low,
             const ConstTensor* high, const Tensor& out);

}  // namespace batchtune::kernels::tensor

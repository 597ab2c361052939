// The names of the operations on elements. Included by ISA files: plain data only.
#pragma once

#include <cstdint>

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

enum class Binary : std::uint8_t {
  // numbers; the three tensors have one type, but for pow's exponent. Integers wrap around.
  add,
  sub,
  mul,
  div,   // integers truncate; by zero gives 0
  pow,   // the exponent may have another type; the result has the base's
  mod,   // the sign of the divisor (ONNX: fmod = 0); integers by zero give 0
  fmod,  // the sign of the dividend
  min,   // NaN wins
  max,
  prelu,  // a where it is >= 0, else b a
  // boolean
  logical_and,
  logical_or,
  logical_xor,
  // integers and boolean
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  shift_left,
  shift_right,  // of signed ones, with the sign; by the width or more, or negative: only signs
  // two tensors of one type, boolean included, to boolean
  equal,
  greater,
  less,
  greater_or_equal,
  less_or_equal,
};

}  // namespace batchtune::kernels::tensor

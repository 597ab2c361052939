// Operations on two and more tensors, element by element, with numpy's broadcasting: `out` has the
// broadcast shape. It may be an input of the same shape and type.
#pragma once

#include <span>

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

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
  shift_left,  // unsigned; by the width and more gives 0
  shift_right,
  // two tensors of one type, boolean included, to boolean
  equal,
  greater,
  less,
  greater_or_equal,
  less_or_equal,
};

Outcome binary(const Context& context, Binary operation, const ConstTensor& a, const ConstTensor& b,
               const Tensor& out);

enum class Variadic : std::uint8_t { sum, mean, min, max };
// At least one input, all of one type; mean is for floats.
Outcome variadic(const Context& context, Variadic operation, std::span<const ConstTensor> inputs,
                 const Tensor& out);

// a where the boolean condition holds, else b; any type.
Outcome where(const Context& context, const ConstTensor& condition, const ConstTensor& a,
              const ConstTensor& b, const Tensor& out);

}  // namespace batchtune::kernels::tensor

// Operations on two and more tensors, element by element, with numpy's broadcasting: `out` has the
// broadcast shape. It may be an input of the same shape and type, but for `variadic`.
#pragma once

#include <span>

#include "kernels/tensor/operations.h"
#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

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

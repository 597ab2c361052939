// Operations on one tensor, element by element. `out` has the input's shape; it may be the input
// where the types are equal. f16 and bf16 compute in f32 and round once.
#pragma once

#include "kernels/tensor/operations.h"
#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

Outcome unary(const Context& context, Unary operation, const ConstTensor& in, const Tensor& out,
              double alpha = 0, double beta = 0);

// Between two scalars of the input's type, either of which may be null: no bound. NaN stays.
Outcome clip(const Context& context, const ConstTensor& in, const ConstTensor* low,
             const ConstTensor* high, const Tensor& out);

}  // namespace batchtune::kernels::tensor

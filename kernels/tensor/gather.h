// Operations that take or put elements by indices, which are data: i32 or i64, negative ones
// counted from the end. An index out of range is refused (after the others were done).
#pragma once

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// out: in's shape with `axis` replaced by the indices' shape.
Outcome gather(const Context& context, const ConstTensor& in, const ConstTensor& indices,
               std::size_t axis, const Tensor& out);
// out: the indices' shape.
Outcome gather_elements(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                        std::size_t axis, const Tensor& out);
Outcome gather_nd(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                  std::size_t batch_dims, const Tensor& out);

// What becomes of an element and an update that meet; arithmetic ones are for numbers.
enum class Scatter : std::uint8_t { replace, add, mul, max, min };
// out: a copy of `in` with the updates put, one after the other; it may be `in`.
Outcome scatter_elements(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                         const ConstTensor& updates, std::size_t axis, Scatter scatter,
                         const Tensor& out);
Outcome scatter_nd(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                   const ConstTensor& updates, Scatter scatter, const Tensor& out);

// values: {off, on} of out's type; out: the indices' shape with the depth put in at `axis`. Indices
// of any number type; those out of range are off everywhere, and no error.
Outcome one_hot(const Context& context, const ConstTensor& indices, std::size_t axis,
                const ConstTensor& values, const Tensor& out);

}  // namespace batchtune::kernels::tensor

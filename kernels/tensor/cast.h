// From one element type to another: casts and linear quantisation.
#pragma once

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// Between all types, elements one by one. To floats: rounded to nearest, halves to even; beyond
// f16's largest becomes infinite. Floats to integers are cut towards zero; what does not fit (ONNX:
// undefined) is clamped, NaN becomes 0. Integers to narrower ones keep the low bits. To boolean:
// whether not 0.
Outcome cast(const Context& context, const ConstTensor& in, const Tensor& out);

// Which scale belongs to an element: the tensor's only one, where `scale` has one element and is no
// block; one for each index of `axis`, where it is 1-D; else one for each block of `block_size`
// along `axis` (opset 21).
struct Scaling {
  std::int64_t axis = 1;
  std::int64_t block_size = 0;  // 0: not in blocks
};

// out = saturate(round(in / scale) + zero_point), halves to even. in: a float or i32, scale: a
// float; out and zero_point: i8, u8, i16 or u16; zero_point is 0 where null.
Outcome quantize_linear(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                        const ConstTensor* zero_point, const Scaling& scaling, const Tensor& out);
// out = (in - zero_point) scale. in: an integer; out: a float.
Outcome dequantize_linear(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                          const ConstTensor* zero_point, const Scaling& scaling, const Tensor& out);
// f32 to u8 over the range of the data and 0; scale: f32 scalar, zero_point: u8 scalar.
Outcome dynamic_quantize_linear(const Context& context, const ConstTensor& in, const Tensor& out,
                                const Tensor& scale, const Tensor& zero_point);

}  // namespace batchtune::kernels::tensor

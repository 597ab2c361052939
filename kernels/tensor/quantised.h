// Operations on quantised tensors whose results are quantised again: ONNX's QLinearMatMul and
// QLinearConv, and what ONNX Runtime's tools put between them. Products run as f32 products of the
// values less their zero points: sums are exact below 2^24, and beyond within 1e-7 of themselves, a
// hundred-thousandth of a quantised step.
#pragma once

#include <functional>
#include <span>

#include "kernels/tensor/images.h"
#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// i8 or u8, standing for (value - zero point) scale. scale: a float; zero_point: the values' type.
struct Quantised {
  ConstTensor values, scale, zero_point;
};

// out = saturate(round(a b scale_a scale_b / out_scale) + out_zero), halves to even; the shapes are
// matmul's. Scales and zero points: scalars; a's may be one for each row, b's for each column.
Outcome qlinear_matmul(const Context& context, const Quantised& a, const Quantised& b,
                       const ConstTensor& out_scale, const ConstTensor& out_zero, const Tensor& out,
                       const Workspace& workspace = {});
// As conv. The weights' scale and zero point may be one for each output channel; bias (may be null)
// is i32, in steps of scale_in scale_weights.
Outcome qlinear_conv(const Context& context, const Quantised& in, const Quantised& weights,
                     const ConstTensor* bias, const Window& window, std::int64_t groups,
                     const ConstTensor& out_scale, const ConstTensor& out_zero, const Tensor& out,
                     const Workspace& workspace = {});

// out = quantised(alpha A B + bias), as gemm; transposed as there. bias (may be null) is i32 in
// steps of alpha scale_a scale_b. out_scale null: out is f32, and nothing is quantised again.
struct QuantisedGemm {
  double alpha = 1;
  bool transpose_a = false, transpose_b = false;
};
Outcome qgemm(const Context& context, const QuantisedGemm& how, const Quantised& a,
              const Quantised& b, const ConstTensor* bias, const ConstTensor* out_scale,
              const ConstTensor* out_zero, const Tensor& out, const Workspace& workspace = {});

// Any other operation: `f` of the values that the inputs stand for, in f32, quantised again. Scales
// are scalars.
using OfValues = std::function<Outcome(std::span<const ConstTensor> in, const Tensor& out)>;
Outcome qlinear(const Context& context, std::span<const Quantised> inputs, const OfValues& f,
                const ConstTensor& out_scale, const ConstTensor& out_zero, const Tensor& out);

}  // namespace batchtune::kernels::tensor

// Normalisation along one axis or the trailing axes. `out` may be the input.
#pragma once

#include <span>

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

enum class Softmax : std::uint8_t { softmax, log_softmax, hardmax };
// Over `axis` (opset 13); or, with `from_axis`, over it and all axes after it (before opset 13).
Outcome softmax(const Context& context, Softmax kind, const ConstTensor& in, std::size_t axis,
                bool from_axis, const Tensor& out);

// Over the axes from `axis` on. scale and bias (may be null) broadcast to those axes. mean and
// inv_std (may be null): f32 or the input's type, the axes before `axis`, with or without ones.
Outcome layer_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                            const ConstTensor* bias, std::size_t axis, double epsilon,
                            const Tensor& out, const Tensor* mean = nullptr,
                            const Tensor* inv_std = nullptr);
Outcome rms_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                          std::size_t axis, double epsilon, const Tensor& out);
// x / (|x|_p along `axis`), p 1 or 2; 0 where the norm is 0.
Outcome lp_normalization(const Context& context, const ConstTensor& in, std::size_t axis, int p,
                         const Tensor& out);
// (x - mean) / (standard deviation + 1e-9) over `axes`.
Outcome mean_variance_normalization(const Context& context, const ConstTensor& in,
                                    std::span<const std::int64_t> axes, const Tensor& out);

}  // namespace batchtune::kernels::tensor

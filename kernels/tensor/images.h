// Convolution, pooling and normalisation of images in ONNX's order, [batch][channels][spatial...]
// with 1 to 3 spatial axes. Floats: f32 is fast, the others are converted. Padding that is derived
// (auto_pad) is the caller's to work out; output sizes (ceil_mode, output_padding) are those of
// `out`.
#pragma once

#include <array>

#include "kernels/tensor/tensor.h"
#include "kernels/workspace.h"

namespace batchtune::kernels::tensor {

inline constexpr std::size_t kMaxSpatial = 3;
using PerAxis = std::array<std::int64_t, kMaxSpatial>;  // the first `rank` count

// One entry for each spatial axis, outermost first.
struct Window {
  PerAxis kernel{1, 1, 1};
  PerAxis stride{1, 1, 1};
  PerAxis dilation{1, 1, 1};
  PerAxis pad_begin{0, 0, 0};
  PerAxis pad_end{0, 0, 0};
};

// weights: [out channels][in channels / groups][kernel...]; bias (may be null): [out channels]. For
// what conv2d of kernels/conv cannot do. With a workspace it runs as products of gathered pixels,
// else on direct loops, some ten times slower.
Outcome conv(const Context& context, const ConstTensor& in, const ConstTensor& weights,
             const ConstTensor* bias, const Window& window, std::int64_t groups, const Tensor& out,
             const Workspace& workspace = {});
// Bytes for each lane of the team; 0 where none are used.
std::size_t conv_workspace_bytes(const Kernels& kernels, const ConstTensor& weights,
                                 std::int64_t groups);
// weights: [in channels][out channels / groups][kernel...]; pad_begin cuts off, pad_end follows
// from out's size. Workspace as above.
Outcome conv_transpose(const Context& context, const ConstTensor& in, const ConstTensor& weights,
                       const ConstTensor* bias, const Window& window, std::int64_t groups,
                       const Tensor& out, const Workspace& workspace = {});
std::size_t conv_transpose_workspace_bytes(const Kernels& kernels, const ConstTensor& in,
                                           const ConstTensor& weights, std::int64_t groups);
// i8 or u8 to i32; zero points (null: 0) of the operands' types: a scalar, the weights' one may be
// one per out channel.
Outcome conv_integer(const Context& context, const ConstTensor& in, const ConstTensor& weights,
                     const ConstTensor* in_zero, const ConstTensor* weights_zero,
                     const Window& window, std::int64_t groups, const Tensor& out);

// Padding never wins; a window wholly in it gives 0. indices (may be null): i64, the place in the
// whole input tensor, its spatial axes counted the last one fastest, or the first one
// (column_major: storage_order = 1). i8 and u8 as well.
Outcome max_pool(const Context& context, const ConstTensor& in, const Window& window,
                 const Tensor& out, const Tensor* indices = nullptr, bool column_major = false);
// count_include_pad: padding counts as zeros; what lies beyond it (ceil_mode) never counts.
Outcome average_pool(const Context& context, const ConstTensor& in, const Window& window,
                     bool count_include_pad, const Tensor& out);
Outcome lp_pool(const Context& context, const ConstTensor& in, const Window& window, double p,
                const Tensor& out);
enum class GlobalPool : std::uint8_t { average, max, lp };
Outcome global_pool(const Context& context, GlobalPool kind, const ConstTensor& in, double p,
                    const Tensor& out);
// The other way round of max_pool with indices: zeros elsewhere. The indices are places in a tensor
// of the shape `counted_in`, no larger than out's along any axis; null: of out's shape.
Outcome max_unpool(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                   const Tensor& out, const Shape* counted_in = nullptr);

// scale, bias, mean, variance: [channels], floats. Any rank from 2 on (and 1: channels 1).
Outcome batch_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                            const ConstTensor& bias, const ConstTensor& mean,
                            const ConstTensor& variance, double epsilon, const Tensor& out);
Outcome instance_normalization(const Context& context, const ConstTensor& in,
                               const ConstTensor& scale, const ConstTensor& bias, double epsilon,
                               const Tensor& out);
// scale, bias: [channels] (opset 21) or [groups] (18).
Outcome group_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                            const ConstTensor& bias, std::int64_t groups, double epsilon,
                            const Tensor& out);
// x / (bias + alpha / size * sum of squares over `size` channels around)^beta
struct Lrn {
  std::int64_t size = 1;
  double alpha = 1e-4, beta = 0.75, bias = 1;
};
Outcome lrn(const Context& context, const ConstTensor& in, const Lrn& lrn, const Tensor& out);

}  // namespace batchtune::kernels::tensor

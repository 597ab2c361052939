// 2-D convolution over NHWC activations: a 1x1 of stride 1 is a matrix product; others gather the
// pixels of an output block (im2col, never the whole tensor) and multiply; depthwise has kernels of
// its own. Cross-correlation, as every framework means by "convolution": the kernel is not flipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/gemm/gemm.h"

namespace batchtune::kernels {

struct DepthwiseKernel;  // one row of the depthwise table; kernels/conv/depthwise.h has the fields

// Per sample: the batch is given at the call.
struct ConvShape {
  std::int64_t in_h = 0, in_w = 0, in_c = 0;
  std::int64_t out_c = 0;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;
  std::int64_t groups = 1;  // divides in_c and out_c

  // 0 where the (dilated) kernel is larger than the padded input.
  std::int64_t out_h() const;
  std::int64_t out_w() const;
  bool depthwise() const { return groups > 1 && groups == in_c && groups == out_c; }
};

// The best kernels of each kind that may be used: gemm for dense and grouped, depthwise for the
// rest.
struct ConvKernels {
  const GemmKernel* gemm = nullptr;
  const DepthwiseKernel* depthwise = nullptr;
};

// Every depthwise kernel, best first for each dtype, the reference last.
std::span<const DepthwiseKernel* const> depthwise_kernels();
std::string_view name_of(const DepthwiseKernel& kernel);
Isa isa_of(const DepthwiseKernel& kernel);
Dtype dtype_of(const DepthwiseKernel& kernel);
const DepthwiseKernel& select_depthwise(Dtype dtype, IsaMask allowed,
                                        std::span<const std::string_view> left_out = {});
Proof prove(const DepthwiseKernel& kernel);

// Both selections in one.
ConvKernels select_conv(Dtype dtype, IsaMask allowed,
                        std::span<const std::string_view> left_out = {});
// The row that a convolution of this shape runs on.
std::string_view kernel_name(const ConvKernels& kernels, const ConvShape& shape);

// Weights for one shape in the layout of the kernel that the shape will run on. Movable, shareable.
class PackedConv {
 public:
  // `weights`: [groups][kernel_h][kernel_w][in_c / groups][out_c / groups], f32. Empty when memory
  // ends.
  static std::optional<PackedConv> pack(const ConvKernels& kernels, const ConvShape& shape,
                                        const float* weights);
  static std::size_t bytes(const ConvKernels& kernels, const ConvShape& shape);

  const ConvShape& shape() const { return shape_; }
  Dtype dtype() const;
  std::size_t bytes() const { return depthwise_ ? taps_.size() : gemm_.bytes(); }
  const DepthwiseKernel* depthwise() const { return depthwise_; }  // null: runs as products
  const PackedWeights& gemm() const { return gemm_; }
  const void* taps() const { return taps_.data(); }  // depthwise: [kernel_h][kernel_w][C], f32

 private:
  ConvShape shape_;
  const DepthwiseKernel* depthwise_ = nullptr;
  PackedWeights gemm_;
  AlignedBuffer taps_;
};

struct Conv {
  std::int64_t batch = 0;       // 0 does nothing
  const void* input = nullptr;  // [batch][in_h][in_w][in_c], dense, the weights' dtype
  const PackedConv* weights = nullptr;
  void* output = nullptr;          // [batch][out_h][out_w][out_c], epilogue.output
  std::int64_t output_stride = 0;  // elements from pixel to pixel, at least out_c; 0 means out_c
  std::int64_t input_stride = 0;   // elements from pixel to pixel, at least in_c; 0 means in_c
  Epilogue epilogue;               // bias [out_c]; residual rows are output pixels
};

// Bytes of scratch per lane, whatever the batch is.
std::size_t conv_workspace_bytes(const ConvKernels& kernels, const ConvShape& shape);
void conv2d(const Conv& call, const Workspace& workspace, Team& team);

}  // namespace batchtune::kernels

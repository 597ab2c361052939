// One row of the depthwise table, and the task it does: one output row of one sample, all channels.
// Plain C-like types: ISA files include this.
#pragma once

#include <cstdint>

#include "kernels/dtype.h"
#include "kernels/epilogue.h"
#include "kernels/isa.h"

namespace batchtune::kernels {

struct DepthwiseTask {
  const void* input;  // of the sample: pixel (0, 0), channel 0
  std::int64_t in_h, in_w;
  std::int64_t input_stride;  // bytes from pixel to pixel
  const float* taps;          // [kernel_h][kernel_w][channels]
  std::int64_t channels;
  std::int64_t kernel_h, kernel_w;
  std::int64_t dilation_h, dilation_w;
  std::int64_t top;   // input row under the first tap of this output row; may be negative
  std::int64_t left;  // input column under the first tap of output pixel 0; may be negative
  std::int64_t stride_w;
  std::int64_t out_w;
  float scale;
  const float* bias;  // null if none
  Activation activation;
  ResidualAt residual_at;
  const void* residual;          // of this output row; null if none
  std::int64_t residual_stride;  // bytes
  void* output;                  // this output row
  std::int64_t output_stride;    // bytes from pixel to pixel
  Dtype stored;                  // of output and residual
};

struct DepthwiseKernel {
  const char* name;
  Isa isa;
  Dtype dtype;  // of the input
  void (*row)(const DepthwiseTask& task);
};

namespace avx2 {
extern const DepthwiseKernel depthwise_f32;
extern const DepthwiseKernel depthwise_bf16;
}  // namespace avx2
namespace avx512 {
extern const DepthwiseKernel depthwise_f32;
extern const DepthwiseKernel depthwise_bf16;
}  // namespace avx512
namespace reference {
extern const DepthwiseKernel depthwise_f32;
extern const DepthwiseKernel depthwise_bf16;
}  // namespace reference

}  // namespace batchtune::kernels

// The reference rows of the depthwise table: one output element at a time, for any CPU.
#include "kernels/conv/depthwise.h"
#include "kernels/gemm/reference/naive.h"

namespace batchtune::kernels::reference {
namespace {

template <Dtype dtype>
float sum_at(const DepthwiseTask& task, std::int64_t x, std::int64_t channel) {
  float sum = 0.0f;
  for (std::int64_t ky = 0; ky < task.kernel_h; ++ky) {
    const std::int64_t iy = task.top + ky * task.dilation_h;
    if (iy < 0 || iy >= task.in_h) continue;
    for (std::int64_t kx = 0; kx < task.kernel_w; ++kx) {
      const std::int64_t ix = task.left + x * task.stride_w + kx * task.dilation_w;
      if (ix < 0 || ix >= task.in_w) continue;
      const auto* pixel =
          static_cast<const std::byte*>(task.input) + (iy * task.in_w + ix) * task.input_stride;
      sum += load(pixel, channel, dtype) *
             task.taps[(ky * task.kernel_w + kx) * task.channels + channel];
    }
  }
  return sum;
}

template <Dtype dtype>
void row(const DepthwiseTask& task) {
  Epilogue epilogue;
  epilogue.scale = task.scale;
  epilogue.bias = task.bias;
  epilogue.activation = task.activation;
  epilogue.residual_at = task.residual_at;
  epilogue.output = task.stored;
  for (std::int64_t x = 0; x < task.out_w; ++x) {
    epilogue.residual = task.residual == nullptr ? nullptr
                                                 : static_cast<const std::byte*>(task.residual) +
                                                       x * task.residual_stride;
    auto* output = static_cast<std::byte*>(task.output) + x * task.output_stride;
    for (std::int64_t channel = 0; channel < task.channels; ++channel) {
      finish(sum_at<dtype>(task, x, channel), 0, channel, epilogue, output, channel);
    }
  }
}

}  // namespace

constinit const DepthwiseKernel depthwise_f32 = {"depthwise_f32_reference", Isa::reference,
                                                 Dtype::f32, &row<Dtype::f32>};
constinit const DepthwiseKernel depthwise_bf16 = {"depthwise_bf16_reference", Isa::reference,
                                                  Dtype::bf16, &row<Dtype::bf16>};

}  // namespace batchtune::kernels::reference

// The definition of a convolution that fast code is held against: seven loops, as in a textbook.
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/gemm/reference/naive.h"

namespace batchtune::kernels::reference {

// One output element's sum, before the epilogue.
inline float conv_sum(const ConvShape& s, Dtype dtype, const void* input, std::int64_t input_stride,
                      const float* weights, std::int64_t sample, std::int64_t oy, std::int64_t ox,
                      std::int64_t out_channel) {
  const std::int64_t in_per_group = s.in_c / s.groups, out_per_group = s.out_c / s.groups;
  const std::int64_t group = out_channel / out_per_group, column = out_channel % out_per_group;
  float sum = 0.0f;
  for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
    for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
      const std::int64_t iy = oy * s.stride_h - s.pad_top + ky * s.dilation_h;
      const std::int64_t ix = ox * s.stride_w - s.pad_left + kx * s.dilation_w;
      if (iy < 0 || iy >= s.in_h || ix < 0 || ix >= s.in_w) continue;
      for (std::int64_t c = 0; c < in_per_group; ++c) {
        const std::int64_t pixel = (sample * s.in_h + iy) * s.in_w + ix;
        const std::int64_t tap = (group * s.kernel_h + ky) * s.kernel_w + kx;
        sum += load(input, pixel * input_stride + group * in_per_group + c, dtype) *
               as_stored(weights[(tap * in_per_group + c) * out_per_group + column], dtype);
      }
    }
  }
  return sum;
}

// As conv2d, with weights [groups][kernel_h][kernel_w][in_c / groups][out_c / groups] in f32.
inline void conv2d(const ConvShape& s, Dtype dtype, std::int64_t batch, const void* input,
                   std::int64_t input_stride, const float* weights, void* output,
                   std::int64_t output_stride, const Epilogue& epilogue) {
  const std::int64_t out_h = s.out_h(), out_w = s.out_w();
  for (std::int64_t pixel = 0; pixel < batch * out_h * out_w; ++pixel) {
    const std::int64_t sample = pixel / (out_h * out_w);
    const std::int64_t oy = pixel / out_w % out_h, ox = pixel % out_w;
    for (std::int64_t c = 0; c < s.out_c; ++c) {
      const float sum = conv_sum(s, dtype, input, input_stride, weights, sample, oy, ox, c);
      finish(sum, pixel, c, epilogue, output, pixel * output_stride + c);
    }
  }
}

}  // namespace batchtune::kernels::reference

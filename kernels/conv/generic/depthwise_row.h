// Depthwise convolution of one output row, written once over the Simd of the including file.
// Internal linkage. A vector of channels at a time; several output pixels share each load of a tap.
#pragma once

#include <cstdint>

#include "kernels/conv/depthwise.h"
#include "kernels/gemm/generic/finish.h"

namespace batchtune::kernels {
namespace {

// Pixels that share a tap: 5 loads per 4 products. Six measured 15 to 25 % slower in f32.
constexpr int kManyPixels = 4;
constexpr int kFewPixels = 2;  // for what is left of a row, and for small images

struct TapRange {
  std::int64_t begin, end;
};

// Taps whose input index first + tap * dilation lies in [0, size).
inline TapRange taps_inside(std::int64_t first, std::int64_t dilation, std::int64_t taps,
                            std::int64_t size) {
  TapRange range = {0, taps};
  while (range.begin < range.end && first + range.begin * dilation < 0) ++range.begin;
  while (range.end > range.begin && first + (range.end - 1) * dilation >= size) --range.end;
  return range;
}

// One vector of channels from `c` on (all of it, or its first `count`) of `Pixels` neighbouring
// output pixels from `x` on, for which exactly the taps `across` lie inside.
template <typename S, Activation activation, typename In, typename Out, int Pixels, bool whole>
[[gnu::always_inline]] inline void channels_at(const DepthwiseTask& task, std::int64_t x,
                                               TapRange down, TapRange across, std::int64_t c,
                                               int count) {
  const std::int64_t pixel_step = task.stride_w * task.input_stride;
  const std::int64_t tap_step = task.dilation_w * task.input_stride;
  typename S::V sums[Pixels];
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; ++p) sums[p] = S::zero();
  for (std::int64_t ky = down.begin; ky < down.end; ++ky) {
    const std::int64_t first =
        (task.top + ky * task.dilation_h) * task.in_w + task.left + x * task.stride_w;
    const char* pixel = static_cast<const char*>(task.input) + first * task.input_stride +
                        across.begin * tap_step + c * static_cast<std::int64_t>(sizeof(In));
    const float* tap = task.taps + (ky * task.kernel_w + across.begin) * task.channels + c;
    for (std::int64_t kx = across.begin; kx < across.end; ++kx) {
      const typename S::V w = whole ? S::load(tap) : S::load(tap, count);
#pragma GCC unroll 8
      for (int p = 0; p < Pixels; ++p) {
        const In* in = reinterpret_cast<const In*>(pixel + p * pixel_step);
        sums[p] = S::fma(whole ? S::load(in) : S::load(in, count), w, sums[p]);
      }
      pixel += tap_step;
      tap += task.channels;
    }
  }
  const typename S::V scale = S::all(task.scale);
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; ++p) {
    auto* out =
        reinterpret_cast<Out*>(static_cast<char*>(task.output) + (x + p) * task.output_stride);
    const auto* residual = reinterpret_cast<const Out*>(static_cast<const char*>(task.residual) +
                                                        (x + p) * task.residual_stride);
    finish_vector<S, activation, Out>(
        S::mul(scale, sums[p]), task.bias == nullptr ? nullptr : task.bias + c,
        task.residual == nullptr ? nullptr : residual + c,
        task.residual_at == ResidualAt::before_activation, out + c, whole ? S::kWidth : count);
  }
}

template <typename S, Activation activation, typename In, typename Out, int Pixels>
void pixels_at(const DepthwiseTask& task, std::int64_t x, TapRange down, TapRange across) {
  std::int64_t c = 0;
  for (; c + S::kWidth <= task.channels; c += S::kWidth) {
    channels_at<S, activation, In, Out, Pixels, true>(task, x, down, across, c, S::kWidth);
  }
  if (c < task.channels) {
    channels_at<S, activation, In, Out, Pixels, false>(task, x, down, across, c,
                                                       static_cast<int>(task.channels - c));
  }
}

// Whether `pixels` output pixels from `x` on have all taps across inside the input.
inline bool all_inside(const DepthwiseTask& task, std::int64_t x, std::int64_t pixels) {
  const std::int64_t first = task.left + x * task.stride_w;
  const std::int64_t last =
      first + (pixels - 1) * task.stride_w + (task.kernel_w - 1) * task.dilation_w;
  return x + pixels <= task.out_w && first >= 0 && last < task.in_w;
}

template <typename S, Activation activation, typename In, typename Out>
void row_of(const DepthwiseTask& task) {
  const TapRange down = taps_inside(task.top, task.dilation_h, task.kernel_h, task.in_h);
  const TapRange all = {0, task.kernel_w};
  std::int64_t x = 0;
  while (x < task.out_w) {
    if (all_inside(task, x, kManyPixels)) {
      pixels_at<S, activation, In, Out, kManyPixels>(task, x, down, all);
      x += kManyPixels;
    } else if (all_inside(task, x, kFewPixels)) {
      pixels_at<S, activation, In, Out, kFewPixels>(task, x, down, all);
      x += kFewPixels;
    } else {
      const TapRange across =
          taps_inside(task.left + x * task.stride_w, task.dilation_w, task.kernel_w, task.in_w);
      pixels_at<S, activation, In, Out, 1>(task, x, down, across);
      x += 1;
    }
  }
}

template <typename S, typename In, typename Out>
void row_as(const DepthwiseTask& task) {
  switch (task.activation) {
    case Activation::none:
      return row_of<S, Activation::none, In, Out>(task);
    case Activation::relu:
      return row_of<S, Activation::relu, In, Out>(task);
    case Activation::relu6:
      return row_of<S, Activation::relu6, In, Out>(task);
    case Activation::gelu_tanh:
      return row_of<S, Activation::gelu_tanh, In, Out>(task);
    case Activation::silu:
      return row_of<S, Activation::silu, In, Out>(task);
    case Activation::gelu_erf:
      return row_of<S, Activation::gelu_erf, In, Out>(task);
  }
}

template <typename S, typename In>
void depthwise_row(const DepthwiseTask& task) {
  if (task.stored == Dtype::f32) {
    row_as<S, In, float>(task);
  } else {
    row_as<S, In, std::uint16_t>(task);
  }
}

}  // namespace
}  // namespace batchtune::kernels

// Pooling windows over the Simd of the including file's instruction set; internal linkage (an
// island). Channels are the outer loop, four vectors at a time: sums stay in registers, and each
// pixel gives whole cache lines. E is the storage: float, or std::uint16_t for the bits of bf16.
#pragma once

#include <cstdint>

#include "kernels/pool/windows.h"

namespace batchtune::kernels {
namespace {

template <typename S>
struct Largest {
  static typename S::V combine(typename S::V a, typename S::V b) { return S::max(a, b); }
  typename S::V finish(typename S::V v) const { return v; }
};

template <typename S>
struct ScaledSum {
  typename S::V scale;
  static typename S::V combine(typename S::V a, typename S::V b) { return S::add(a, b); }
  typename S::V finish(typename S::V v) const { return S::mul(v, scale); }
};

// `vectors` whole vectors of channels from `first` on.
template <typename S, typename E, int vectors, typename Reduction>
void reduce_whole(const PoolWindow& window, const E* first, const Reduction& reduction, E* out) {
  typename S::V values[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) values[v] = S::load(first + v * S::kWidth);
  for (std::int64_t row = 0; row < window.rows; ++row) {
    for (std::int64_t column = row == 0 ? 1 : 0; column < window.columns; ++column) {
      const E* pixel = first + row * window.row_stride + column * window.channels;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        values[v] = Reduction::combine(values[v], S::load(pixel + v * S::kWidth));
      }
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) S::store(out + v * S::kWidth, reduction.finish(values[v]));
}

template <typename S, typename E, typename Reduction>
void reduce_rest(const PoolWindow& window, const E* first, int rest, const Reduction& reduction,
                 E* out) {
  typename S::V value = S::load(first, rest);
  for (std::int64_t row = 0; row < window.rows; ++row) {
    for (std::int64_t column = row == 0 ? 1 : 0; column < window.columns; ++column) {
      const E* pixel = first + row * window.row_stride + column * window.channels;
      value = Reduction::combine(value, S::load(pixel, rest));
    }
  }
  S::store(out, reduction.finish(value), rest);
}

template <typename S, typename E, typename Reduction>
void reduce_window(const PoolWindow& window, const Reduction& reduction, void* out) {
  constexpr int w = S::kWidth;
  const E* first = static_cast<const E*>(window.first);
  E* y = static_cast<E*>(out);
  std::int64_t c = 0;
  for (; c + 4 * w <= window.channels; c += 4 * w) {
    reduce_whole<S, E, 4>(window, first + c, reduction, y + c);
  }
  for (; c + w <= window.channels; c += w) {
    reduce_whole<S, E, 1>(window, first + c, reduction, y + c);
  }
  if (c < window.channels) {
    reduce_rest<S, E>(window, first + c, static_cast<int>(window.channels - c), reduction, y + c);
  }
}

}  // namespace
}  // namespace batchtune::kernels

// Row functions over the Simd of the including file's instruction set; internal linkage (an
// island). E is the storage: float, or std::uint16_t for the bits of bf16.
#pragma once

#include <cstdint>

#include "kernels/simd/activation.h"

namespace batchtune::kernels {
namespace {

// The sum over i of f(x[i]), f taking and giving vectors; f(0) need not be 0. Four sums hide the
// latency of the addition.
template <typename S, typename E, typename F>
float sum_of(const E* x, std::int64_t n, F f) {
  constexpr int w = S::kWidth;
  typename S::V sums[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
  std::int64_t i = 0;
  for (; i + 4 * w <= n; i += 4 * w) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[j] = S::add(sums[j], f(S::load(x + i + j * w)));
  }
  for (; i + w <= n; i += w) sums[0] = S::add(sums[0], f(S::load(x + i)));
  float lanes[w];
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    S::store(lanes, f(S::load(x + i, rest)));
    sums[1] = S::add(sums[1], S::load(lanes, rest));  // the lanes beyond the row count nothing
  }
  S::store(lanes, S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3])));
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

// out[i] = f(x[i], i, lanes): lanes is how many elements from i on belong to the row.
template <typename S, typename E, typename F>
void map_row(const E* x, std::int64_t n, E* out, F f) {
  constexpr int w = S::kWidth;
  std::int64_t i = 0;
  for (; i + w <= n; i += w) S::store(out + i, f(S::load(x + i), i, w));
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    S::store(out + i, f(S::load(x + i, rest), i, rest), rest);
  }
}

template <typename S>
typename S::V load_first(const float* x, int lanes) {
  return lanes == S::kWidth ? S::load(x) : S::load(x, lanes);
}

template <typename S, typename E>
float largest_of(const E* x, std::int64_t n, typename S::V scale) {
  constexpr int w = S::kWidth;
  float lanes[w];
  int count = w;
  if (n >= w) {
    typename S::V largest = S::mul(S::load(x), scale);
    for (std::int64_t i = w; i + w <= n; i += w) {
      largest = S::max(largest, S::mul(S::load(x + i), scale));
    }
    S::store(lanes, S::max(largest, S::mul(S::load(x + n - w), scale)));  // may overlap
  } else {
    count = static_cast<int>(n);
    S::store(lanes, S::mul(S::load(x, count), scale));
  }
  float largest = lanes[0];
  for (int i = 1; i < count; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

template <typename S, typename E>
void softmax_row(const void* in, std::int64_t n, float scale, void* out) {
  using V = typename S::V;
  const E* x = static_cast<const E*>(in);
  const V factor = S::all(scale);
  const V largest = S::all(largest_of<S>(x, n, factor));
  // What lies far below the largest (a mask's -10000) would otherwise become a denormal share, and the
  // product with the values behind it take a hundred cycles for each. exp(-60) is as good as nothing.
  const auto term = [&](V v) {
    return exp_of<S>(S::max(S::sub(S::mul(v, factor), largest), S::all(-60.0f)));
  };
  // The exponentials are computed twice: no scratch, and bf16 is rounded once.
  const V share = S::all(1.0f / sum_of<S>(x, n, term));
  map_row<S>(x, n, static_cast<E*>(out),
             [&](V v, std::int64_t, int) { return S::mul(term(v), share); });
}

template <typename S, typename E>
void layer_norm_row(const void* in, std::int64_t n, float epsilon, const float* gain,
                    const float* bias, void* out) {
  using V = typename S::V;
  const E* x = static_cast<const E*>(in);
  const float count = static_cast<float>(n);
  const V mean = S::all(sum_of<S>(x, n, [](V v) { return v; }) / count);
  const float squares = sum_of<S>(x, n, [&](V v) {
    const V d = S::sub(v, mean);
    return S::mul(d, d);
  });
  const V factor = S::all(1.0f / __builtin_sqrtf(squares / count + epsilon));
  map_row<S>(x, n, static_cast<E*>(out), [&](V v, std::int64_t i, int lanes) {
    const V normal = S::mul(S::sub(v, mean), factor);
    return S::fma(normal, load_first<S>(gain + i, lanes), load_first<S>(bias + i, lanes));
  });
}

template <typename S, typename E>
void rms_norm_row(const void* in, std::int64_t n, float epsilon, const float* gain, void* out) {
  using V = typename S::V;
  const E* x = static_cast<const E*>(in);
  const float squares = sum_of<S>(x, n, [](V v) { return S::mul(v, v); });
  const V factor = S::all(1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + epsilon));
  map_row<S>(x, n, static_cast<E*>(out), [&](V v, std::int64_t i, int lanes) {
    return S::mul(S::mul(v, factor), load_first<S>(gain + i, lanes));
  });
}

}  // namespace
}  // namespace batchtune::kernels

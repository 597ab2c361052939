// Elementwise loops over the Simd of the including file's instruction set; internal linkage (an
// island). E is the storage: float, or std::uint16_t for the bits of bf16.
#pragma once

#include <cstdint>

#include "kernels/simd/activation.h"

namespace batchtune::kernels {
namespace {

// f(i, n) handles n elements from i on: whole vectors (n == kWidth), then the rest.
template <typename S, typename F>
void for_vectors(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + S::kWidth <= n; i += S::kWidth) f(i, S::kWidth);
  if (i < n) f(i, static_cast<int>(n - i));
}

template <typename S, typename E>
typename S::V load_some(const E* p, int n) {
  return n == S::kWidth ? S::load(p) : S::load(p, n);
}

template <typename S, typename E>
void store_some(E* p, typename S::V v, int n) {
  if (n == S::kWidth) {
    S::store(p, v);
  } else {
    S::store(p, v, n);
  }
}

template <typename S, typename E, Activation activation>
void activate_as(const void* in, std::int64_t n, void* out) {
  const E* x = static_cast<const E*>(in);
  E* y = static_cast<E*>(out);
  for_vectors<S>(n, [&](std::int64_t i, int some) {
    store_some<S>(y + i, activate<S, activation>(load_some<S>(x + i, some)), some);
  });
}

template <typename S, typename E, Activation activation>
void multiply_as(const void* a, const void* b, std::int64_t n, void* out) {
  const E* x = static_cast<const E*>(a);
  const E* z = static_cast<const E*>(b);
  E* y = static_cast<E*>(out);
  for_vectors<S>(n, [&](std::int64_t i, int some) {
    const typename S::V first = activate<S, activation>(load_some<S>(x + i, some));
    store_some<S>(y + i, S::mul(first, load_some<S>(z + i, some)), some);
  });
}

template <typename S, typename E>
void activate_any(Activation activation, const void* in, std::int64_t n, void* out) {
  switch (activation) {
    case Activation::none:
      return activate_as<S, E, Activation::none>(in, n, out);
    case Activation::relu:
      return activate_as<S, E, Activation::relu>(in, n, out);
    case Activation::relu6:
      return activate_as<S, E, Activation::relu6>(in, n, out);
    case Activation::gelu_tanh:
      return activate_as<S, E, Activation::gelu_tanh>(in, n, out);
    case Activation::silu:
      return activate_as<S, E, Activation::silu>(in, n, out);
    case Activation::gelu_erf:
      return activate_as<S, E, Activation::gelu_erf>(in, n, out);
  }
}

template <typename S, typename E>
void multiply_any(Activation activation, const void* a, const void* b, std::int64_t n, void* out) {
  switch (activation) {
    case Activation::none:
      return multiply_as<S, E, Activation::none>(a, b, n, out);
    case Activation::relu:
      return multiply_as<S, E, Activation::relu>(a, b, n, out);
    case Activation::relu6:
      return multiply_as<S, E, Activation::relu6>(a, b, n, out);
    case Activation::gelu_tanh:
      return multiply_as<S, E, Activation::gelu_tanh>(a, b, n, out);
    case Activation::silu:
      return multiply_as<S, E, Activation::silu>(a, b, n, out);
    case Activation::gelu_erf:
      return multiply_as<S, E, Activation::gelu_erf>(a, b, n, out);
  }
}

template <typename S, typename E>
void sum_rows_as(const void* const* rows, int count, std::int64_t n, void* out) {
  E* y = static_cast<E*>(out);
  for_vectors<S>(n, [&](std::int64_t i, int some) {
    typename S::V sum = load_some<S>(static_cast<const E*>(rows[0]) + i, some);
    for (int row = 1; row < count; ++row) {
      sum = S::add(sum, load_some<S>(static_cast<const E*>(rows[row]) + i, some));
    }
    store_some<S>(y + i, sum, some);
  });
}

}  // namespace
}  // namespace batchtune::kernels

// Activations on vectors, over the Simd of the including file's instruction set. Internal linkage.
#pragma once

#include "kernels/epilogue.h"

namespace batchtune::kernels {
namespace {

// exp(x) within 2 units in the last place for x in [-87, 87]; clamped outside, so that neither it
// nor its inverse is infinite or denormal, which would take the processor a hundred cycles.
template <typename S>
typename S::V exp_of(typename S::V x) {
  x = S::min(S::max(x, S::all(-87.0f)), S::all(87.0f));
  const typename S::V n = S::round(S::mul(x, S::all(1.44269504f)));
  // x - n ln 2 with ln 2 in two parts, so that the remainder keeps all its bits.
  typename S::V r = S::fma(n, S::all(-0.693359375f), x);
  r = S::fma(n, S::all(2.12194440e-4f), r);
  // The minimax polynomial of Cephes' expf.
  typename S::V p = S::all(1.9875691500e-4f);
  p = S::fma(p, r, S::all(1.3981999507e-3f));
  p = S::fma(p, r, S::all(8.3334519073e-3f));
  p = S::fma(p, r, S::all(4.1665795894e-2f));
  p = S::fma(p, r, S::all(1.6666665459e-1f));
  p = S::fma(p, r, S::all(5.0000001201e-1f));
  p = S::fma(p, S::mul(r, r), S::add(r, S::all(1.0f)));
  return S::times_two_to(p, n);
}

template <typename S>
typename S::V x_over_one_plus_exp(typename S::V x, typename S::V exponent) {
  return S::quotient(x, S::add(S::all(1.0f), exp_of<S>(exponent)));
}

template <typename S, Activation activation>
typename S::V activate(typename S::V x) {
  if constexpr (activation == Activation::relu) {
    return S::max(x, S::zero());
  } else if constexpr (activation == Activation::relu6) {
    return S::min(S::max(x, S::zero()), S::all(6.0f));
  } else if constexpr (activation == Activation::gelu_tanh) {
    // -2 sqrt(2/pi) (x + 0.044715 x^3)
    const typename S::V inner = S::fma(S::mul(S::all(0.044715f), S::mul(x, x)), x, x);
    return x_over_one_plus_exp<S>(x, S::mul(S::all(-1.5957691216f), inner));
  } else if constexpr (activation == Activation::silu) {
    return x_over_one_plus_exp<S>(x, S::mul(S::all(-1.0f), x));
  } else {
    return x;
  }
}

}  // namespace
}  // namespace batchtune::kernels

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

// The exact GELU, x Phi(x), within 2e-7 |x|; NaN stays, minus infinity gives -0.
// Phi(x) - 1/2 = erf(x / sqrt 2) / 2 is odd: x P(x^2) / Q(x^2). The quotient is our own, fitted to
// it over [0, 5.3] by least squares, weighted anew until the largest error (4e-9) was the same
// everywhere. Beyond, where less than 6e-8 is missing from 1/2, it exceeds 1/2: by 5e-7 at 5.7,
// which is more than rounding takes away. So holding x and it at these bounds gives Phi = 0 and 1
// there.
template <typename S>
typename S::V gelu_erf_of(typename S::V x) {
  using V = typename S::V;
  const V below = S::max(S::all(-5.7f), x);  // in this order NaN passes
  const V held = S::min(S::all(5.7f), below);
  const V z = S::mul(held, held);
  V p = S::all(2.405021071e-8f);
  V q = S::all(1.237153128e-6f);
  p = S::fma(p, z, S::all(6.378888884e-6f));
  q = S::fma(q, z, S::all(7.134878251e-5f));
  p = S::fma(p, z, S::all(1.603251876e-4f));
  q = S::fma(q, z, S::all(1.836518990e-3f));
  p = S::fma(p, z, S::all(4.627934657e-3f));
  q = S::fma(q, z, S::all(2.813834138e-2f));
  p = S::fma(p, z, S::all(3.293498605e-2f));
  q = S::fma(q, z, S::all(2.492219955e-1f));
  p = S::fma(p, z, S::all(3.989422619e-1f));
  q = S::fma(q, z, S::all(1.0f));
  const V half = S::all(0.5f);
  V phi = S::quotient(S::mul(held, p), q);
  phi = S::min(half, S::max(S::all(-0.5f), phi));
  return S::mul(below, S::add(half, phi));
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
  } else if constexpr (activation == Activation::gelu_erf) {
    return gelu_erf_of<S>(x);
  } else {
    return x;
  }
}

}  // namespace
}  // namespace batchtune::kernels

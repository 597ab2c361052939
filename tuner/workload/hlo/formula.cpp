#include "tuner/workload/hlo/formula.h"

namespace batchtune::hlo {
namespace {

// By Horner's rule, the highest power first.
Formula polynomial(const Formula& x, std::initializer_list<double> factors) {
  Formula sum = x.all(*factors.begin());
  for (const double* factor = factors.begin() + 1; factor != factors.end(); ++factor)
    sum = sum * x + *factor;
  return sum;
}

// Phi(x) - 1/2, Phi being the normal distribution: within 2e-7. The opcode `erf` is younger than
// some compilers, so this is the quotient of kernels/simd/activation.h, which says where it is
// from.
Formula half_of_phi(const Formula& x) {
  const Formula held = least(most(x, -5.7), 5.7);
  const Formula z = held * held;
  const Formula p = polynomial(z, {2.405021071e-8, 6.378888884e-6, 1.603251876e-4, 4.627934657e-3,
                                   3.293498605e-2, 3.989422619e-1});
  const Formula q = polynomial(
      z, {1.237153128e-6, 7.134878251e-5, 1.836518990e-3, 2.813834138e-2, 2.492219955e-1, 1.0});
  return least(most(held * p / q, -0.5), 0.5);
}

}  // namespace

Formula erf(const Formula& x) {
  constexpr double kRootOfTwo = 1.4142135623730951;
  return half_of_phi(x * kRootOfTwo) * 2;
}

// -infinity times 0 would be NaN.
Formula gelu_erf(const Formula& x) {
  return most(x, -5.7) * (half_of_phi(x) + 0.5);
}

Formula gelu_tanh(const Formula& x) {
  const Formula bent = ((x + x * x * x * 0.044715) * 0.7978845608).of("tanh");
  return x * 0.5 * (bent + 1);
}

Formula softplus(const Formula& x) {
  return most(x, 0) + (-x.of("abs")).of("exponential").of("log-plus-one");
}

Formula swish(const Formula& x, double alpha) {
  return x * (alpha == 1 ? x : x * alpha).of("logistic");
}

}  // namespace batchtune::hlo

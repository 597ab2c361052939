#include "kernels/proof.h"

#include <cmath>

namespace batchtune::kernels {

double tolerance(Dtype stored, std::int64_t k) {
  // A sum of k products in another order differs by the rounding of its partial sums: about k
  // errors of half an f32 unit (2^-24) of random sign, so sqrt(k) of them, against an output that
  // is itself sqrt(k) products large. 8 covers the largest of a tensor's many elements (about 6
  // sigma). The activations' exponentials are good to a few units, which the added 16 covers.
  const double unit = std::ldexp(1.0, -24);
  const double sum = (8.0 * std::sqrt(static_cast<double>(k < 1 ? 1 : k)) + 16.0) * unit;
  // Rounding to bf16 may fall to the other side: one unit in the last of 8 bits.
  const double rounding = stored == Dtype::bf16 ? std::ldexp(1.0, -8) : 0.0;
  return sum + rounding;
}

}  // namespace batchtune::kernels

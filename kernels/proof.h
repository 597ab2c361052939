// What "the fast kernel agrees with its slow twin" means, in numbers.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/dtype.h"

namespace batchtune::kernels {

// Largest allowed |fast - slow| as a share of the largest |slow| of the tensor, for sums over k
// products stored as `stored`.
double tolerance(Dtype stored, std::int64_t k);

// The outcome of running a kernel against its twin over awkward shapes.
struct Proof {
  bool passed = false;
  double error = 0;   // the worst seen, as a share of its tolerance: passed means <= 1
  std::string where;  // the case of the worst error, for the message
};

}  // namespace batchtune::kernels

// Holds a fast kernel's tensor against its slow twin's, for proofs and tests of the operations that
// are not sums of products.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/dtype.h"
#include "kernels/proof.h"

namespace batchtune::kernels {

// Values in storage: filled from a seed with ordinary numbers in [-2, 2), or read back as f32.
class Tensor {
 public:
  Tensor(Dtype dtype, std::int64_t elements);  // filled with a mark that no kernel writes
  static Tensor random(Dtype dtype, std::int64_t elements, std::uint32_t seed);

  void* data() { return bytes_.data(); }
  const void* data() const { return bytes_.data(); }
  std::int64_t elements() const { return elements_; }
  float at(std::int64_t i) const;
  void set(std::int64_t i, float value);
  bool intact() const;  // whether nobody wrote beyond the last element

 private:
  Dtype dtype_;
  std::int64_t elements_;
  std::vector<std::byte> bytes_;
};

// Keeps in `proof` the worst difference between the tensors, as a share of tolerance(dtype, k) of
// the largest value of `slow`; `where` names the case. Passed stays true while all are within.
void compare(Proof& proof, Dtype dtype, std::int64_t k, const Tensor& fast, const Tensor& slow,
             const std::string& where);

}  // namespace batchtune::kernels

// Seeded data for proofs, tests and benchmarks of kernels, and the comparison of two tensors.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/bfloat16.h"
#include "kernels/dtype.h"

namespace batchtune::kernels {

// A tensor of either dtype, starting as zeros.
class ProofTensor {
 public:
  ProofTensor(std::int64_t count, Dtype dtype)
      : dtype_(dtype), bytes_(static_cast<std::size_t>(count) * bytes_of(dtype)) {}
  void* data() { return bytes_.data(); }
  const void* data() const { return bytes_.data(); }
  std::int64_t size() const { return static_cast<std::int64_t>(bytes_.size() / bytes_of(dtype_)); }
  Dtype dtype() const { return dtype_; }
  float at(std::int64_t index) const {
    return dtype_ == Dtype::f32 ? reinterpret_cast<const float*>(bytes_.data())[index]
                                : to_float(reinterpret_cast<const Bfloat16*>(bytes_.data())[index]);
  }
  void set(std::int64_t index, float value) {
    if (dtype_ == Dtype::f32) {
      reinterpret_cast<float*>(bytes_.data())[index] = value;
    } else {
      reinterpret_cast<Bfloat16*>(bytes_.data())[index] = to_bfloat16(value);
    }
  }

 private:
  Dtype dtype_;
  std::vector<std::byte> bytes_;
};

// Uniform in [-1, 1): zeros would flatter times and hide errors.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) * 0x1p-31f;
  }
  std::vector<float> floats(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = next();
    return values;
  }
  ProofTensor tensor(std::int64_t count, Dtype dtype) {
    ProofTensor tensor(count, dtype);
    for (std::int64_t i = 0; i < count; ++i) tensor.set(i, next());
    return tensor;
  }

 private:
  std::uint64_t state_;
};

// Scratch as it may be found: full of NaN in either dtype, which shows every element that is read
// without having been written.
inline AlignedBuffer poisoned_scratch(std::size_t bytes) {
  AlignedBuffer scratch = AlignedBuffer::allocate(bytes);
  if (scratch) std::memset(scratch.data(), 0xff, scratch.size());
  return scratch;
}

// Largest |fast - slow| as a share of the largest |slow|; infinite where one is not a number.
inline double largest_difference(const ProofTensor& fast, const ProofTensor& slow) {
  double difference = 0, largest = 0;
  for (std::int64_t i = 0; i < slow.size(); ++i) {
    const double distance =
        std::fabs(static_cast<double>(fast.at(i)) - static_cast<double>(slow.at(i)));
    if (!(distance < HUGE_VAL)) return HUGE_VAL;
    difference = std::fmax(difference, distance);
    largest = std::fmax(largest, std::fabs(static_cast<double>(slow.at(i))));
  }
  return largest > 0 ? difference / largest : difference;
}

}  // namespace batchtune::kernels

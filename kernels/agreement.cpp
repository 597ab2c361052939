#include "kernels/agreement.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "kernels/storage.h"

namespace batchtune::kernels {
namespace {

constexpr float kMark = 7777;
constexpr std::size_t kGuardBytes = 64;  // a whole vector of the widest kind
constexpr std::byte kGuard{0xa5};

}  // namespace

Tensor::Tensor(Dtype dtype, std::int64_t elements)
    : dtype_(dtype),
      elements_(elements),
      bytes_(static_cast<std::size_t>(elements) * bytes_of(dtype) + kGuardBytes, kGuard) {
  for (std::int64_t i = 0; i < elements; ++i) set(i, kMark);
}

Tensor Tensor::random(Dtype dtype, std::int64_t elements, std::uint32_t seed) {
  Tensor tensor(dtype, elements);
  std::mt19937 random(seed);
  for (std::int64_t i = 0; i < elements; ++i) {
    tensor.set(i, static_cast<float>(random() >> 8) * 0x1p-22f - 2);
  }
  return tensor;
}

float Tensor::at(std::int64_t i) const {
  const auto index = static_cast<std::size_t>(i);
  if (dtype_ == Dtype::f32) {
    float value;
    std::memcpy(&value, bytes_.data() + index * sizeof value, sizeof value);
    return value;
  }
  Bfloat16 value;
  std::memcpy(&value, bytes_.data() + index * sizeof value, sizeof value);
  return to_float(value);
}

void Tensor::set(std::int64_t i, float value) {
  const auto index = static_cast<std::size_t>(i);
  if (dtype_ == Dtype::f32) {
    std::memcpy(bytes_.data() + index * sizeof value, &value, sizeof value);
    return;
  }
  const Bfloat16 rounded = to_bfloat16(value);
  std::memcpy(bytes_.data() + index * sizeof rounded, &rounded, sizeof rounded);
}

bool Tensor::intact() const {
  return std::all_of(bytes_.end() - static_cast<std::ptrdiff_t>(kGuardBytes), bytes_.end(),
                     [](std::byte byte) { return byte == kGuard; });
}

void compare(Proof& proof, Dtype dtype, std::int64_t k, const Tensor& fast, const Tensor& slow,
             const std::string& where) {
  constexpr double kInfinitelyFar = std::numeric_limits<double>::infinity();
  double largest = 0, worst = 0;
  for (std::int64_t i = 0; i < slow.elements(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(slow.at(i))));
    const double difference =
        std::abs(static_cast<double>(fast.at(i)) - static_cast<double>(slow.at(i)));
    worst = std::isnan(difference) ? kInfinitelyFar : std::max(worst, difference);
  }
  if (!fast.intact()) worst = kInfinitelyFar;
  const double allowed = tolerance(dtype, k) * std::max(largest, 1e-30);
  const double error = worst / allowed;
  if (error >= proof.error) {
    proof.error = error;
    proof.where = where;
  }
  proof.passed = proof.error <= 1;
}

}  // namespace batchtune::kernels

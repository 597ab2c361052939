// Probe loops in plain C++ for the baseline instruction set: what the reference kernels could
// reach.
#include "kernels/probe/loops.h"

namespace batchtune::probe::reference {

float fma_f32(const FmaOperands& operands, std::int64_t iterations) {
  constexpr int kValues = kFmaF32Values;
  const float ratio = operands.ratio[0], step = operands.step[0];
  const float inverse_ratio = operands.inverse_ratio[0], inverse_step = operands.inverse_step[0];
  float x[kValues];
  for (int i = 0; i < kValues; ++i) x[i] = operands.start[i];
  for (std::int64_t n = 0; n < iterations; ++n) {
    for (int i = 0; i < kValues; ++i) x[i] = x[i] * ratio + step;
    for (int i = 0; i < kValues; ++i) x[i] = x[i] * inverse_ratio + inverse_step;
  }
  float sum = 0;
  for (float value : x) sum += value;
  return sum;
}

std::uint64_t read(const void* data, std::size_t bytes, std::int64_t passes) {
  const auto* words = static_cast<const std::uint64_t*>(data);
  const std::size_t count = bytes / sizeof(std::uint64_t);
  std::uint64_t sums[8] = {};
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::size_t i = 0; i < count; i += 8) {
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) sums[j] ^= words[i + j];
    }
    asm volatile("" ::: "memory");  // the next pass reads again
  }
  std::uint64_t all = 0;
  for (std::uint64_t sum : sums) all ^= sum;
  return all;
}

}  // namespace batchtune::probe::reference

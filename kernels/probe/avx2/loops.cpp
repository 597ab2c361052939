// Probe loops for AVX2 with FMA: 12 accumulators and 4 constants fill its 16 registers.
#include "kernels/probe/loops.h"

#include <immintrin.h>

namespace batchtune::probe::avx2 {

float fma_f32(const FmaOperands& operands, std::int64_t iterations) {
  constexpr int kRegisters = 12;
  const __m256 ratio = _mm256_load_ps(operands.ratio);
  const __m256 step = _mm256_load_ps(operands.step);
  const __m256 inverse_ratio = _mm256_load_ps(operands.inverse_ratio);
  const __m256 inverse_step = _mm256_load_ps(operands.inverse_step);
  __m256 x[kRegisters];
#pragma GCC unroll 12
  for (int i = 0; i < kRegisters; ++i) x[i] = _mm256_load_ps(operands.start + i * 8);
  for (std::int64_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kRegisters; ++i) x[i] = _mm256_fmadd_ps(x[i], ratio, step);
#pragma GCC unroll 12
    for (int i = 0; i < kRegisters; ++i) x[i] = _mm256_fmadd_ps(x[i], inverse_ratio, inverse_step);
  }
  __m256 total = x[0];
#pragma GCC unroll 12
  for (int i = 1; i < kRegisters; ++i) total = _mm256_add_ps(total, x[i]);
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, total);
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

std::uint64_t read(const void* data, std::size_t bytes, std::int64_t passes) {
  constexpr int kRegisters = 8;
  const char* begin = static_cast<const char*>(data);
  __m256i sums[kRegisters];
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) sums[i] = _mm256_setzero_si256();
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (const char* block = begin; block < begin + bytes; block += kReadBlock) {
#pragma GCC unroll 16
      for (int i = 0; i < static_cast<int>(kReadBlock) / 32; ++i) {
        const auto* word = reinterpret_cast<const __m256i*>(block + i * 32);
        sums[i % kRegisters] = _mm256_xor_si256(sums[i % kRegisters], _mm256_load_si256(word));
      }
    }
    asm volatile("" ::: "memory");  // the next pass reads again
  }
  __m256i all = sums[0];
#pragma GCC unroll 8
  for (int i = 1; i < kRegisters; ++i) all = _mm256_xor_si256(all, sums[i]);
  alignas(32) std::uint64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(words), all);
  return words[0] ^ words[1] ^ words[2] ^ words[3];
}

}  // namespace batchtune::probe::avx2

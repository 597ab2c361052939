// Probe loops for AVX-512: 24 accumulators and 4 constants of its 32 registers.
#include "kernels/probe/loops.h"

#include <immintrin.h>

namespace batchtune::probe::avx512 {

float fma_f32(const FmaOperands& operands, std::int64_t iterations) {
  constexpr int kRegisters = FmaOperands::kAccumulators;
  const __m512 ratio = _mm512_load_ps(operands.ratio);
  const __m512 step = _mm512_load_ps(operands.step);
  const __m512 inverse_ratio = _mm512_load_ps(operands.inverse_ratio);
  const __m512 inverse_step = _mm512_load_ps(operands.inverse_step);
  __m512 x[kRegisters];
#pragma GCC unroll 24
  for (int i = 0; i < kRegisters; ++i) x[i] = _mm512_load_ps(operands.start + i * 16);
  for (std::int64_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 24
    for (int i = 0; i < kRegisters; ++i) x[i] = _mm512_fmadd_ps(x[i], ratio, step);
#pragma GCC unroll 24
    for (int i = 0; i < kRegisters; ++i) x[i] = _mm512_fmadd_ps(x[i], inverse_ratio, inverse_step);
  }
  __m512 total = x[0];
#pragma GCC unroll 24
  for (int i = 1; i < kRegisters; ++i) total = _mm512_add_ps(total, x[i]);
  alignas(64) float lanes[FmaOperands::kLanes];
  _mm512_store_ps(lanes, total);
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

std::uint64_t read(const void* data, std::size_t bytes, std::int64_t passes) {
  constexpr int kRegisters = 8;
  const char* begin = static_cast<const char*>(data);
  __m512i sums[kRegisters];
#pragma GCC unroll 8
  for (int i = 0; i < kRegisters; ++i) sums[i] = _mm512_setzero_si512();
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (const char* block = begin; block < begin + bytes; block += kReadBlock) {
#pragma GCC unroll 8
      for (int i = 0; i < static_cast<int>(kReadBlock) / 64; ++i) {
        sums[i] = _mm512_xor_si512(sums[i], _mm512_load_si512(block + i * 64));
      }
    }
    asm volatile("" ::: "memory");  // the next pass reads again
  }
  __m512i all = sums[0];
#pragma GCC unroll 8
  for (int i = 1; i < kRegisters; ++i) all = _mm512_xor_si512(all, sums[i]);
  alignas(64) std::uint64_t words[8];
  _mm512_store_si512(words, all);
  std::uint64_t total = 0;
  for (std::uint64_t word : words) total ^= word;
  return total;
}

}  // namespace batchtune::probe::avx512

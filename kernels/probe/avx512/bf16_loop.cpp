// The bf16 dot-product loop (vdpbf16ps): x <- x + a b, then x <- x - a b, for 32 products an
// instruction.
#include "kernels/probe/loops.h"

#include <immintrin.h>

namespace batchtune::probe::avx512bf16 {

float dot_bf16(const FmaOperands& operands, std::int64_t iterations) {
  constexpr int kRegisters = FmaOperands::kAccumulators;
  const __m512 ratio = _mm512_load_ps(operands.ratio);
  const __m512 step = _mm512_load_ps(operands.step);
  const __m512 minus_ratio = _mm512_sub_ps(_mm512_setzero_ps(), ratio);
  const __m512bh a = _mm512_cvtne2ps_pbh(ratio, step);
  const __m512bh minus_a =
      _mm512_cvtne2ps_pbh(minus_ratio, _mm512_sub_ps(_mm512_setzero_ps(), step));
  const __m512bh b = _mm512_cvtne2ps_pbh(step, ratio);
  __m512 x[kRegisters];
#pragma GCC unroll 24
  for (int i = 0; i < kRegisters; ++i) x[i] = _mm512_load_ps(operands.start + i * 16);
  for (std::int64_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 24
    for (int i = 0; i < kRegisters; ++i) x[i] = _mm512_dpbf16_ps(x[i], a, b);
#pragma GCC unroll 24
    for (int i = 0; i < kRegisters; ++i) x[i] = _mm512_dpbf16_ps(x[i], minus_a, b);
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

}  // namespace batchtune::probe::avx512bf16

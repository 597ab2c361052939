// Elementwise operations for AVX-512 with BF16 instructions: an island (raw pointers, no standard
// library).
#include "kernels/simd/avx512.h"

#include "kernels/elementwise/generic/loops.h"
#include "kernels/elementwise/loops.h"

namespace batchtune::kernels::avx512bf16 {

void activate_bf16(Activation activation, const void* in, std::int64_t n, void* out) {
  activate_any<Simd, std::uint16_t>(activation, in, n, out);
}

void multiply_bf16(Activation activation, const void* a, const void* b, std::int64_t n, void* out) {
  multiply_any<Simd, std::uint16_t>(activation, a, b, n, out);
}

void sum_rows_bf16(const void* const* rows, int count, std::int64_t n, void* out) {
  sum_rows_as<Simd, std::uint16_t>(rows, count, n, out);
}

}  // namespace batchtune::kernels::avx512bf16

// Pooling windows for AVX-512 with BF16 instructions: an island (raw pointers, no standard
// library).
#include "kernels/simd/avx512.h"

#include "kernels/pool/generic/windows.h"

namespace batchtune::kernels::avx512bf16 {

void largest_bf16(const PoolWindow& window, void* out) {
  reduce_window<Simd, std::uint16_t>(window, Largest<Simd>{}, out);
}

void scaled_sum_bf16(const PoolWindow& window, float scale, void* out) {
  reduce_window<Simd, std::uint16_t>(window, ScaledSum<Simd>{Simd::all(scale)}, out);
}

}  // namespace batchtune::kernels::avx512bf16

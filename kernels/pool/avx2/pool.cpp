// Pooling windows for avx2: an island (raw pointers, no standard library).
#include "kernels/simd/avx2.h"

#include "kernels/pool/generic/windows.h"

namespace batchtune::kernels::avx2 {

void largest_f32(const PoolWindow& window, void* out) {
  reduce_window<Simd, float>(window, Largest<Simd>{}, out);
}
void largest_bf16(const PoolWindow& window, void* out) {
  reduce_window<Simd, std::uint16_t>(window, Largest<Simd>{}, out);
}

void scaled_sum_f32(const PoolWindow& window, float scale, void* out) {
  reduce_window<Simd, float>(window, ScaledSum<Simd>{Simd::all(scale)}, out);
}
void scaled_sum_bf16(const PoolWindow& window, float scale, void* out) {
  reduce_window<Simd, std::uint16_t>(window, ScaledSum<Simd>{Simd::all(scale)}, out);
}

}  // namespace batchtune::kernels::avx2

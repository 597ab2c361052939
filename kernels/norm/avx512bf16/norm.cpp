// Softmax and norms for AVX-512 with BF16 instructions: an island (raw pointers, no standard
// library).
#include "kernels/simd/avx512.h"

#include "kernels/norm/generic/rows.h"
#include "kernels/norm/rows.h"

namespace batchtune::kernels::avx512bf16 {

void softmax_bf16(const void* in, std::int64_t n, float scale, void* out) {
  softmax_row<Simd, std::uint16_t>(in, n, scale, out);
}

void layer_norm_bf16(const void* in, std::int64_t n, float epsilon, const float* gain,
                     const float* bias, void* out) {
  layer_norm_row<Simd, std::uint16_t>(in, n, epsilon, gain, bias, out);
}

void rms_norm_bf16(const void* in, std::int64_t n, float epsilon, const float* gain, void* out) {
  rms_norm_row<Simd, std::uint16_t>(in, n, epsilon, gain, out);
}

}  // namespace batchtune::kernels::avx512bf16

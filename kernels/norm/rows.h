// The row functions behind the table of norm.cpp: one set per instruction set and storage.
// Internal.
#pragma once

#include <cstdint>

namespace batchtune::kernels {

#define BT_NORM_ROW_FUNCTIONS(storage)                                                        \
  void softmax_##storage(const void* in, std::int64_t n, float scale, void* out);             \
  void layer_norm_##storage(const void* in, std::int64_t n, float epsilon, const float* gain, \
                            const float* bias, void* out);                                    \
  void rms_norm_##storage(const void* in, std::int64_t n, float epsilon, const float* gain,   \
                          void* out);

namespace reference {
BT_NORM_ROW_FUNCTIONS(f32)
BT_NORM_ROW_FUNCTIONS(bf16)
}  // namespace reference
namespace avx2 {
BT_NORM_ROW_FUNCTIONS(f32)
BT_NORM_ROW_FUNCTIONS(bf16)
}  // namespace avx2
namespace avx512 {
BT_NORM_ROW_FUNCTIONS(f32)
BT_NORM_ROW_FUNCTIONS(bf16)
}  // namespace avx512
namespace avx512bf16 {
BT_NORM_ROW_FUNCTIONS(bf16)
}  // namespace avx512bf16

#undef BT_NORM_ROW_FUNCTIONS

}  // namespace batchtune::kernels

// The functions behind the table of elementwise.cpp: one set per instruction set and storage.
// Internal.
#pragma once

#include <cstdint>

#include "kernels/epilogue.h"

namespace batchtune::kernels {

#define BT_ELEMENTWISE_FUNCTIONS(storage)                                                      \
  void activate_##storage(Activation activation, const void* in, std::int64_t n, void* out);   \
  void multiply_##storage(Activation activation, const void* a, const void* b, std::int64_t n, \
                          void* out);                                                          \
  void sum_rows_##storage(const void* const* rows, int count, std::int64_t n, void* out);

namespace reference {
BT_ELEMENTWISE_FUNCTIONS(f32)
BT_ELEMENTWISE_FUNCTIONS(bf16)
}  // namespace reference
namespace avx2 {
BT_ELEMENTWISE_FUNCTIONS(f32)
BT_ELEMENTWISE_FUNCTIONS(bf16)
}  // namespace avx2
namespace avx512 {
BT_ELEMENTWISE_FUNCTIONS(f32)
BT_ELEMENTWISE_FUNCTIONS(bf16)
}  // namespace avx512
namespace avx512bf16 {
BT_ELEMENTWISE_FUNCTIONS(bf16)
}  // namespace avx512bf16

#undef BT_ELEMENTWISE_FUNCTIONS

}  // namespace batchtune::kernels

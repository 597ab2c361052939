// What a pooling function works on, and the functions behind the table of pool.cpp: one set per
// instruction set and storage. Included by ISA files: plain data only.
#pragma once

#include <cstdint>

namespace batchtune::kernels {

// The part of a pooling window that lies inside the image: rows x columns pixels, at least one.
struct PoolWindow {
  const void* first = nullptr;  // its first pixel
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0;  // elements from row to row
  std::int64_t channels = 0;    // elements of a pixel, and from pixel to pixel
};

#define BT_POOL_FUNCTIONS(storage)                             \
  void largest_##storage(const PoolWindow& window, void* out); \
  void scaled_sum_##storage(const PoolWindow& window, float scale, void* out);

namespace reference {
BT_POOL_FUNCTIONS(f32)
BT_POOL_FUNCTIONS(bf16)
}  // namespace reference
namespace avx2 {
BT_POOL_FUNCTIONS(f32)
BT_POOL_FUNCTIONS(bf16)
}  // namespace avx2
namespace avx512 {
BT_POOL_FUNCTIONS(f32)
BT_POOL_FUNCTIONS(bf16)
}  // namespace avx512
namespace avx512bf16 {
BT_POOL_FUNCTIONS(bf16)
}  // namespace avx512bf16

#undef BT_POOL_FUNCTIONS

}  // namespace batchtune::kernels

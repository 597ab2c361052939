// Moves elements as they are: f32, or pairs of bf16 that make one 32-bit unit. SSE2, which every
// x86-64 has: wider registers gain little, since the packing waits for memory.
#include "kernels/gemm/pack_head.h"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>

namespace batchtune::kernels {
namespace {

// units[row][column], `stride` bytes from row to row, into step[column][row]: 4 x 4 at a time.
void transpose(const std::byte* units, std::int64_t stride, std::int64_t rows, std::int64_t columns,
               std::byte* steps, std::int64_t step_bytes) {
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return units + row * stride + column * 4;
  };
  const auto load = [](const std::byte* from) {
    return _mm_loadu_ps(reinterpret_cast<const float*>(from));
  };
  const std::int64_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
  for (std::int64_t column = 0; column < whole_columns; column += 4) {
    for (std::int64_t row = 0; row < whole_rows; row += 4) {
      __m128 v[4];
      for (int i = 0; i < 4; ++i) v[i] = load(at(row + i, column));
      _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
      for (int i = 0; i < 4; ++i) {
        _mm_storeu_ps(reinterpret_cast<float*>(steps + (column + i) * step_bytes + row * 4), v[i]);
      }
    }
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = row < whole_rows ? whole_columns : 0; column < columns; ++column) {
      std::memcpy(steps + column * step_bytes + row * 4, at(row, column), 4);
    }
  }
}

// Two rows of bf16 into one row of pairs.
void interleave(const std::uint16_t* even, const std::uint16_t* odd, std::int64_t columns,
                std::uint16_t* pairs) {
  std::int64_t n = 0;
  for (; n + 8 <= columns; n += 8) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(even + n));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(odd + n));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pairs + 2 * n), _mm_unpacklo_epi16(a, b));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pairs + 2 * n + 8), _mm_unpackhi_epi16(a, b));
  }
  for (; n < columns; ++n) {
    pairs[2 * n] = even[n];
    pairs[2 * n + 1] = odd[n];
  }
}

// One panel from [K,N]: `b` is at its first column.
void pack_rows(const GemmKernel& kernel, std::int64_t k, std::int64_t columns, const std::byte* b,
               std::int64_t row_bytes, std::byte* panel) {
  for (std::int64_t row = 0; row < k; row += kernel.k_per_step()) {
    std::byte* step = panel + row / kernel.k_per_step() * kernel.step_bytes();
    const std::byte* from = b + row * row_bytes;
    if (kernel.dtype == Dtype::f32) {
      std::memcpy(step, from, static_cast<std::size_t>(columns) * 4);
      continue;
    }
    const auto* even = reinterpret_cast<const std::uint16_t*>(from);
    auto* pairs = reinterpret_cast<std::uint16_t*>(step);
    if (row + 1 < k) {
      interleave(even, reinterpret_cast<const std::uint16_t*>(from + row_bytes), columns, pairs);
    } else {
      for (std::int64_t n = 0; n < columns; ++n) pairs[2 * n] = even[n];
    }
  }
}

// One panel from [N,K]: `b` is at its first row.
void pack_columns(const GemmKernel& kernel, std::int64_t k, std::int64_t columns,
                  const std::byte* b, std::int64_t row_bytes, std::byte* panel) {
  transpose(b, row_bytes, columns, k / kernel.k_per_step(), panel, kernel.step_bytes());
  if (k % kernel.k_per_step() == 0) return;
  std::byte* last = panel + k / 2 * kernel.step_bytes();  // the half pair
  for (std::int64_t n = 0; n < columns; ++n)
    std::memcpy(last + n * 4, b + n * row_bytes + (k - 1) * 2, 2);
}

}  // namespace

std::int64_t head_panel_bytes(const GemmKernel& kernel, const GemmShape& shape) {
  return kernel.panels(shape.n) * kernel.steps(shape.k) * kernel.step_bytes();
}

void pack_head(const GemmKernel& kernel, const GemmShape& shape, const void* b,
               std::int64_t row_stride, bool transposed, std::byte* packed) {
  const auto element = static_cast<std::int64_t>(bytes_of(kernel.dtype));
  const std::int64_t row_bytes = row_stride * element;
  const std::int64_t panel_bytes = kernel.steps(shape.k) * kernel.step_bytes();
  for (std::int64_t first = 0; first < shape.n; first += kernel.nr) {
    const std::int64_t columns = std::min<std::int64_t>(kernel.nr, shape.n - first);
    std::byte* panel = packed + first / kernel.nr * panel_bytes;
    if (columns < kernel.nr || shape.k % kernel.k_unit() != 0) {
      std::memset(panel, 0, static_cast<std::size_t>(panel_bytes));
    }
    const auto* from =
        static_cast<const std::byte*>(b) + (transposed ? first * row_bytes : first * element);
    (transposed ? pack_columns : pack_rows)(kernel, shape.k, columns, from, row_bytes, panel);
  }
}

}  // namespace batchtune::kernels

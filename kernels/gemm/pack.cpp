// Weights from row-major f32 into panels: [N / nr][steps of K][nr], or nr pairs for bf16 layouts.
// Columns and k beyond the matrix are zero, so that tails need no code of their own.
#include <algorithm>
#include <cstring>

#include "kernels/bfloat16.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"

namespace batchtune::kernels {
namespace {

std::size_t group_bytes(const GemmKernel& kernel, std::int64_t k, std::int64_t n) {
  return AlignedBuffer::footprint(
      static_cast<std::size_t>(kernel.panels(n) * kernel.steps(k) * kernel.step_bytes()));
}

// One panel: `columns` of W from `w` on, `n` elements from row to row.
void pack_panel(const GemmKernel& kernel, std::int64_t k, std::int64_t n, std::int64_t columns,
                const float* w, std::byte* panel) {
  const std::int64_t per_step = kernel.k_per_step();
  for (std::int64_t row = 0; row < k; ++row) {
    std::byte* step = panel + row / per_step * kernel.step_bytes();
    for (std::int64_t column = 0; column < columns; ++column) {
      const float value = w[row * n + column];
      if (kernel.layout == StepLayout::f32) {
        reinterpret_cast<float*>(step)[column] = value;
      } else {
        reinterpret_cast<Bfloat16*>(step)[column * 2 + row % 2] = to_bfloat16(value);
      }
    }
  }
}

}  // namespace

std::size_t PackedWeights::bytes(const GemmKernel& kernel, std::int64_t k, std::int64_t n,
                                 std::int64_t groups) {
  return group_bytes(kernel, k, n) * static_cast<std::size_t>(groups);
}

std::optional<PackedWeights> PackedWeights::pack(const GemmKernel& kernel, std::int64_t k,
                                                 std::int64_t n, const float* weights,
                                                 std::int64_t groups) {
  PackedWeights packed;
  packed.kernel_ = &kernel;
  packed.k_ = k;
  packed.n_ = n;
  packed.groups_ = groups;
  packed.buffer_ = AlignedBuffer::allocate(bytes(kernel, k, n, groups));
  if (!packed.buffer_) return std::nullopt;
  std::memset(packed.buffer_.data(), 0, packed.buffer_.size());
  for (std::int64_t group = 0; group < groups; ++group) {
    auto* at = packed.buffer_.as<std::byte>() +
               static_cast<std::size_t>(group) * group_bytes(kernel, k, n);
    for (std::int64_t column = 0; column < n; column += kernel.nr) {
      pack_panel(kernel, k, n, std::min<std::int64_t>(kernel.nr, n - column),
                 weights + group * k * n + column,
                 at + column / kernel.nr * kernel.steps(k) * kernel.step_bytes());
    }
  }
  return packed;
}

const std::byte* PackedWeights::group(std::int64_t index) const {
  return buffer_.as<std::byte>() + static_cast<std::size_t>(index) * group_bytes(*kernel_, k_, n_);
}

}  // namespace batchtune::kernels

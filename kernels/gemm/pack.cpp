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

// Columns [begin, end) of one row of a panel; `values` is the one of `begin`.
void put_columns(const GemmKernel& kernel, std::int64_t row, std::int64_t begin, std::int64_t end,
                 const float* values, std::byte* panel) {
  std::byte* step = panel + row / kernel.k_per_step() * kernel.step_bytes();
  if (kernel.layout == StepLayout::f32) {
    std::copy(values, values + (end - begin), reinterpret_cast<float*>(step) + begin);
    return;
  }
  auto* halves = reinterpret_cast<Bfloat16*>(step) + row % 2;
  for (std::int64_t column = begin; column < end; ++column)
    halves[column * 2] = to_bfloat16(values[column - begin]);
}

}  // namespace

std::size_t PackedWeights::bytes(const GemmKernel& kernel, std::int64_t k, std::int64_t n,
                                 std::int64_t groups) {
  return group_bytes(kernel, k, n) * static_cast<std::size_t>(groups);
}

std::optional<PackedWeights> PackedWeights::make(const GemmKernel& kernel, std::int64_t k,
                                                 std::int64_t n, std::int64_t groups) {
  PackedWeights packed;
  packed.kernel_ = &kernel;
  packed.k_ = k;
  packed.n_ = n;
  packed.groups_ = groups;
  packed.buffer_ = AlignedBuffer::allocate(bytes(kernel, k, n, groups));
  if (!packed.buffer_) return std::nullopt;
  const auto step_bytes = static_cast<std::size_t>(kernel.step_bytes());
  const auto steps = static_cast<std::size_t>(kernel.steps(k));
  for (std::int64_t group = 0; group < groups; ++group) {
    std::byte* last = packed.panel(group, kernel.panels(n) - 1);
    if (n % kernel.nr != 0) std::memset(last, 0, steps * step_bytes);
    const auto whole = static_cast<std::size_t>(k / kernel.k_per_step());  // steps without padding
    for (std::int64_t index = 0; index < kernel.panels(n) && whole < steps; ++index)
      std::memset(packed.panel(group, index) + whole * step_bytes, 0, (steps - whole) * step_bytes);
  }
  return packed;
}

void PackedWeights::put(std::int64_t first, std::span<const float> values) {
  const std::int64_t of_group = k_ * n_;
  while (!values.empty()) {
    const std::int64_t begin = first % of_group;
    const auto count = std::min(values.size(), static_cast<std::size_t>(of_group - begin));
    put_rows(first / of_group, begin, values.first(count));
    first += static_cast<std::int64_t>(count);
    values = values.subspan(count);
  }
}

// Panel by panel, so that what is written lies together.
void PackedWeights::put_rows(std::int64_t group, std::int64_t first,
                             std::span<const float> values) {
  const std::int64_t end = first + static_cast<std::int64_t>(values.size());
  const std::int64_t first_row = first / n_, last_row = (end - 1) / n_;
  const bool one_row = first_row == last_row;
  const std::int64_t first_panel = one_row ? first % n_ / kernel_->nr : 0;
  const std::int64_t last_panel = one_row ? (end - 1) % n_ / kernel_->nr : kernel_->panels(n_) - 1;
  for (std::int64_t index = first_panel; index <= last_panel; ++index) {
    std::byte* to = panel(group, index);
    for (std::int64_t row = first_row; row <= last_row; ++row) {
      const std::int64_t left = index * kernel_->nr;
      const std::int64_t from = std::max(first, row * n_ + left);
      const std::int64_t until =
          std::min(end, row * n_ + std::min<std::int64_t>(n_, left + kernel_->nr));
      if (from >= until) continue;
      put_columns(*kernel_, row, from - row * n_ - left, until - row * n_ - left,
                  values.data() + (from - first), to);
    }
  }
}

std::optional<PackedWeights> PackedWeights::pack(const GemmKernel& kernel, std::int64_t k,
                                                 std::int64_t n, const float* weights,
                                                 std::int64_t groups) {
  std::optional<PackedWeights> packed = make(kernel, k, n, groups);
  if (packed) packed->put(0, {weights, static_cast<std::size_t>(groups * k * n)});
  return packed;
}

std::byte* PackedWeights::panel(std::int64_t group, std::int64_t index) const {
  return buffer_.as<std::byte>() + static_cast<std::size_t>(group) * group_bytes(*kernel_, k_, n_) +
         index * kernel_->steps(k_) * kernel_->step_bytes();
}

const std::byte* PackedWeights::group(std::int64_t index) const {
  return panel(index, 0);
}

}  // namespace batchtune::kernels

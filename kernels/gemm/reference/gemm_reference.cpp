// The reference rows of the table: the same layouts and the same sums as the fast kernels, one
// element at a time, for any CPU.
#include <algorithm>
#include <cstring>

#include "kernels/bfloat16.h"
#include "kernels/gemm/kernel.h"
#include "kernels/gemm/reference/naive.h"

namespace batchtune::kernels::reference {
namespace {

constexpr int kColumns = 8;  // any value does; a cache line of f32 pairs

float element(const void* a, std::int64_t k, StepLayout layout) {
  return layout == StepLayout::bf16_pairs ? to_float(static_cast<const Bfloat16*>(a)[k])
                                          : static_cast<const float*>(a)[k];
}

float weight(const void* w, std::int64_t k, int column, StepLayout layout) {
  return layout == StepLayout::f32
             ? static_cast<const float*>(w)[k * kColumns + column]
             : to_float(static_cast<const Bfloat16*>(w)[(k / 2 * kColumns + column) * 2 + k % 2]);
}

template <StepLayout layout>
void micro(const MicroCall& call) {
  const std::int64_t k_count = layout == StepLayout::f32 ? call.steps : call.steps * 2;
  for (int column = 0; column < kColumns; ++column) {
    float sum = call.add != nullptr ? call.add[column] : 0.0f;
    for (std::int64_t k = 0; k < k_count; ++k) {
      sum += element(call.a, k, layout) * weight(call.w, k, column, layout);
    }
    call.sums[column] = sum;
  }
}

void finish(const Tile& tile) {
  for (int row = 0; row < tile.rows; ++row) {
    const auto* residual = tile.residual == nullptr ? nullptr
                                                    : static_cast<const std::byte*>(tile.residual) +
                                                          row * tile.residual_stride;
    auto* output = static_cast<std::byte*>(tile.output) + row * tile.output_stride;
    for (int column = 0; column < tile.columns; ++column) {
      float value = tile.sums[row * kColumns + column] * tile.scale;
      if (tile.bias != nullptr) value += tile.bias[column];
      const float other = residual == nullptr ? 0.0f : load(residual, column, tile.stored);
      if (tile.residual_at == ResidualAt::before_activation) {
        value = activate(value + other, tile.activation);
      } else {
        value = activate(value, tile.activation) + other;
      }
      store(output, column, tile.stored, value);
    }
  }
}

template <int size>
void stage(const void* from, std::int64_t from_stride, void* to, std::int64_t to_stride,
           std::int64_t rows, std::int64_t count) {
  for (std::int64_t row = 0; row < rows; ++row) {
    std::memcpy(static_cast<std::byte*>(to) + row * to_stride,
                static_cast<const std::byte*>(from) + row * from_stride,
                static_cast<std::size_t>(count) * size);
  }
}

constexpr MicroKernel kMicroF32[] = {&micro<StepLayout::f32>};
constexpr MicroKernel kMicroBf16[] = {&micro<StepLayout::bf16_pairs>};

}  // namespace

constinit const GemmKernel gemm_f32 = {"gemm_f32_1x8_reference",
                                       Isa::reference,
                                       Dtype::f32,
                                       StepLayout::f32,
                                       1,
                                       kColumns,
                                       kMicroF32,
                                       &finish,
                                       &stage<4>};
constinit const GemmKernel gemm_bf16 = {"gemm_bf16_1x8_reference",
                                        Isa::reference,
                                        Dtype::bf16,
                                        StepLayout::bf16_pairs,
                                        1,
                                        kColumns,
                                        kMicroBf16,
                                        &finish,
                                        &stage<2>};

}  // namespace batchtune::kernels::reference

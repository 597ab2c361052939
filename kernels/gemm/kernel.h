// One row of the kernel table: the functions of one instruction set and what they oblige the caller
// to. Plain C-like types: ISA files include this.
#pragma once

#include <cstdint>

#include "kernels/dtype.h"
#include "kernels/epilogue.h"
#include "kernels/isa.h"

namespace batchtune::kernels {

// How A and W are laid out in `steps` along K.
enum class StepLayout : std::uint8_t {
  f32,           // step = 1 k: A one f32, W one row of nr f32
  bf16_pairs,    // step = 2 k: A two bf16, W nr pairs of bf16
  bf16_widened,  // step = 2 k: A two f32 (widened when staged), W nr pairs of bf16
  bf16_tiles     // as bf16_pairs in whole tiles: K is padded to 32, rows are cut at 16
};

// A block of finished sums and where it goes.
struct Tile {
  const float* sums;  // rows x nr
  int rows;
  int columns;  // 1..nr
  float scale;
  const float* bias;  // of the first column; null if none
  Activation activation;
  ResidualAt residual_at;
  const void* residual;          // of the first element; null if none
  std::int64_t residual_stride;  // bytes
  void* output;                  // of the first element
  std::int64_t output_stride;    // bytes
  Dtype stored;                  // of output and residual
};
using FinishKernel = void (*)(const Tile& tile);

// sums[r * nr + j] = add[r * nr + j] + the sum over steps of A[r] x W[j], for the rows that the
// function is made for.
struct MicroCall {
  std::int64_t steps;
  const void* a;  // rows a_stride bytes apart
  std::int64_t a_stride;
  const void* w;     // one panel; what follows it is read by prefetch only
  const float* add;  // dense, as sums, which it may be; null: nothing to add
  float* sums;
  int rows;
  // For kernels of bf16_tiles, whose products go on beside other work:
  const char* ahead;         // W that will be wanted after this call, to be fetched
  std::int64_t ahead_bytes;  // and how much of it
  const Tile* finished;      // another tile's sums, to be finished; may have no rows
};
using MicroKernel = void (*)(const MicroCall& call);

// Copies rows x count elements of A into the layout that the micro-kernel reads (bf16 to f32 where
// the layout is bf16_widened). Strides in bytes.
using StageKernel = void (*)(const void* from, std::int64_t from_stride, void* to,
                             std::int64_t to_stride, std::int64_t rows, std::int64_t count);

struct GemmKernel {
  const char* name;
  Isa isa;
  Dtype dtype;
  StepLayout layout;
  int mr;                    // most rows of a tile
  int nr;                    // columns of a panel and of a tile
  const MicroKernel* micro;  // [mr]: micro[r - 1] does r rows
  FinishKernel finish;
  StageKernel stage;
  // Where not null: to be called before and after calls of `micro` on a thread. `rows`: of the
  // whole block; tiles of one block are of 16 rows at least where it has so many.
  void (*begin)(std::int64_t rows) = nullptr;
  void (*end)() = nullptr;

  constexpr bool in_tiles() const { return layout == StepLayout::bf16_tiles; }
  constexpr int k_per_step() const { return layout == StepLayout::f32 ? 1 : 2; }
  // K is padded with zeros, and cut, in multiples of this.
  constexpr int k_unit() const { return in_tiles() ? 32 : k_per_step(); }
  // Rows are cut in multiples of this.
  constexpr int row_unit() const { return in_tiles() ? 16 : 1; }
  // Bytes of one element of staged A.
  constexpr std::int64_t staged_bytes() const {
    return layout == StepLayout::bf16_pairs || in_tiles() ? 2 : 4;
  }
  // Bytes of one step of a panel: nr f32, or nr pairs of bf16.
  constexpr std::int64_t step_bytes() const { return std::int64_t{nr} * 4; }
  constexpr std::int64_t steps(std::int64_t k) const {
    return (k + k_unit() - 1) / k_unit() * (k_unit() / k_per_step());
  }
  constexpr std::int64_t panels(std::int64_t n) const { return (n + nr - 1) / nr; }
};

// Rows of the instruction sets' files; the table (table.cpp) lists them.
namespace avx2 {
extern const GemmKernel gemm_f32;
extern const GemmKernel gemm_bf16;
}  // namespace avx2
namespace avx512 {
extern const GemmKernel gemm_f32;
extern const GemmKernel gemm_bf16;
}  // namespace avx512
namespace avx512bf16 {
extern const GemmKernel gemm_bf16;
}  // namespace avx512bf16
namespace amx {
extern const GemmKernel gemm_bf16;
}  // namespace amx
namespace reference {
extern const GemmKernel gemm_f32;
extern const GemmKernel gemm_bf16;
}  // namespace reference

}  // namespace batchtune::kernels

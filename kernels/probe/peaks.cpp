// The table of multiply-add loops, and the bursts made from it.
#include <array>
#include <random>

#include "kernels/probe/burst.h"
#include "kernels/probe/loops.h"

namespace batchtune::probe {
namespace {

using kernels::Dtype;
using kernels::Isa;

struct FmaRow {
  Dtype dtype;
  Isa isa;
  double flops;  // per iteration of one thread
  FmaLoop loop;
};

// Data types without a row of their own on an instruction set run through its f32 row
// (calibration.cpp).
constexpr FmaRow kFmaRows[] = {
    {Dtype::f32, Isa::reference, reference::kFmaF32Flops, &reference::fma_f32},
    {Dtype::f32, Isa::avx2, avx2::kFmaF32Flops, &avx2::fma_f32},
    {Dtype::f32, Isa::avx512, avx512::kFmaF32Flops, &avx512::fma_f32},
    {Dtype::bf16, Isa::avx512bf16, avx512bf16::kDotBf16Flops, &avx512bf16::dot_bf16},
    {Dtype::bf16, Isa::amx, amx::kDotBf16Flops, &amx::dot_bf16},
};

Burst fma_burst(const FmaRow& row, int threads) {
  static const FmaOperands operands = ordinary_operands();
  Burst burst;
  burst.threads = threads;
  burst.work = row.flops * threads;
  burst.loop = [loop = row.loop](int, std::int64_t repeats) {
    const float sum = loop(operands, repeats);
    asm volatile("" : : "x"(sum));  // the result is used
  };
  return burst;
}

}  // namespace

FmaOperands ordinary_operands() {
  FmaOperands operands;
  std::mt19937 random(1);  // the same on every machine
  const auto between = [&](float low, float high) {
    return low + (high - low) * static_cast<float>(random() >> 8) * 0x1p-24f;
  };
  for (float& x : operands.start) x = between(0.5f, 1.5f);
  for (int i = 0; i < FmaOperands::kLanes; ++i) {
    operands.ratio[i] = between(0.7f, 0.9f);
    operands.step[i] = between(0.2f, 0.4f);
    operands.inverse_ratio[i] = 1 / operands.ratio[i];
    operands.inverse_step[i] = -operands.step[i] / operands.ratio[i];
  }
  return operands;
}

std::vector<PeakBurst> peak_bursts(const std::vector<int>& thread_counts) {
  std::vector<PeakBurst> bursts;
  Isa widest_f32 = Isa::reference;
  for (const FmaRow& row : kFmaRows) {
    if (row.dtype == Dtype::f32 && kernels::supported(row.isa)) widest_f32 = row.isa;
  }
  for (const FmaRow& row : kFmaRows) {
    if (!kernels::supported(row.isa)) continue;
    for (const int threads : thread_counts) {
      const bool always = threads == 1 || threads == thread_counts.back();
      const bool scaling = row.dtype == Dtype::f32 && row.isa == widest_f32;
      if (always || scaling) bursts.push_back({row.dtype, row.isa, fma_burst(row, threads)});
    }
  }
  return bursts;
}

}  // namespace batchtune::probe

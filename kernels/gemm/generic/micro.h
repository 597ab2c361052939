// Register-blocked products, written once over the Simd of the including file. Internal linkage.
//
// R rows of A times kVectors vectors of a panel, with all sums in registers. Every loop over rows
// and vectors must be unrolled at once, the first one included: otherwise GCC keeps the sums in
// memory, which costs a third of the speed. Rows lie a constant stride apart; three share one
// pointer through the addressing mode (base, base + stride, base + 2 x stride), so that the
// pointers fit in registers.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/gemm/kernel.h"

namespace batchtune::kernels {
namespace {

constexpr int kVectors = 2;           // of a panel: nr = 2 vectors
constexpr int kUnroll = 4;            // steps per turn of the loop: spreads the pointer additions
constexpr int kPrefetchBytes = 8192;  // ahead in the panel: the latency of DRAM at full speed

// With few rows there are too few independent sums to cover the latency of 4 cycles at 2 FMA a
// cycle: several sums per element then, added up at the end.
constexpr int chains(int rows) {
  return rows == 1 ? 4 : rows <= 3 ? 2 : 1;
}

// Sums of one tile. `Step` says what one step multiplies (struct with add(row pointer, w, sums)).
template <typename S, int R>
struct Sums {
  static constexpr int kChains = chains(R);
  typename S::V v[kChains][R][kVectors];

  [[gnu::always_inline]] void clear() {
#pragma GCC unroll 4
    for (int c = 0; c < kChains; ++c) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) v[c][r][j] = S::zero();
      }
    }
  }

  [[gnu::always_inline]] void add_from(const float* sums) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        v[0][r][j] = S::load(sums + (r * kVectors + j) * S::kWidth);
      }
    }
  }

  [[gnu::always_inline]] void store(float* sums) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        typename S::V total = v[0][r][j];
#pragma GCC unroll 4
        for (int c = 1; c < kChains; ++c) total = S::add(total, v[c][r][j]);
        S::store(sums + (r * kVectors + j) * S::kWidth, total);
      }
    }
  }
};

// The loop over steps; Step::kRowBytes is what one step takes from a row of A.
template <typename S, typename Step, int R>
void micro(const MicroCall& call) {
  constexpr int kPointers = (R + 2) / 3;
  constexpr std::int64_t kPanelStep = std::int64_t{kVectors} * S::kWidth * 4;
  Sums<S, R> total;
  total.clear();
  if (call.add != nullptr) total.add_from(call.add);

  const std::int64_t a_stride = call.a_stride;
  const char* rows[kPointers];
#pragma GCC unroll 8
  for (int p = 0; p < kPointers; ++p) {
    rows[p] = static_cast<const char*>(call.a) + p * 3 * a_stride;
  }
  const char* panel = static_cast<const char*>(call.w);

  std::int64_t steps = call.steps;
  for (; steps >= kUnroll; steps -= kUnroll) {
#pragma GCC unroll 4
    for (int u = 0; u < kUnroll; ++u) {
      Step::template add<S, R>(rows, a_stride, u * Step::kRowBytes, panel + u * kPanelStep,
                               total.v[u % Sums<S, R>::kChains]);
    }
#pragma GCC unroll 8
    for (int p = 0; p < kPointers; ++p) {
      rows[p] += kUnroll * Step::kRowBytes;
      // Hides the pointers' relation from the compiler, which would make one pointer per row of
      // them.
      asm("" : "+r"(rows[p]));
    }
    panel += kUnroll * kPanelStep;
  }
  for (; steps > 0; --steps) {
    Step::template add<S, R>(rows, a_stride, 0, panel, total.v[0]);
#pragma GCC unroll 8
    for (int p = 0; p < kPointers; ++p) rows[p] += Step::kRowBytes;
    panel += kPanelStep;
  }
  total.store(call.sums);
}

[[gnu::always_inline]] inline const char* row_at(const char* const* rows, std::int64_t stride,
                                                 int row, int offset) {
  return rows[row / 3] + (row % 3) * stride + offset;
}

template <typename S>
[[gnu::always_inline]] inline void prefetch(const char* panel) {
#pragma GCC unroll 2
  for (int line = 0; line < kVectors * S::kWidth * 4 / 64; ++line) {
    _mm_prefetch(panel + line * 64 + kPrefetchBytes, _MM_HINT_T0);
  }
}

// One k of f32.
struct StepF32 {
  static constexpr int kRowBytes = 4;
  template <typename S, int R>
  [[gnu::always_inline]] static void add(const char* const* rows, std::int64_t stride, int offset,
                                         const char* panel, typename S::V (&sums)[R][kVectors]) {
    typename S::V b[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      b[j] = S::load(reinterpret_cast<const float*>(panel) + j * S::kWidth);
    }
    prefetch<S>(panel);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      typename S::V a = S::all(*reinterpret_cast<const float*>(row_at(rows, stride, r, offset)));
      asm("" : "+v"(a));  // one broadcast for both products, not one embedded in each
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sums[r][j] = S::fma(a, b[j], sums[r][j]);
    }
  }
};

// Two k of bf16 weights, widened to f32, times two f32 of A: for CPUs without bf16 products.
struct StepBf16Widened {
  static constexpr int kRowBytes = 8;
  template <typename S, int R>
  [[gnu::always_inline]] static void add(const char* const* rows, std::int64_t stride, int offset,
                                         const char* panel, typename S::V (&sums)[R][kVectors]) {
    prefetch<S>(panel);
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      typename S::V b[kVectors];
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        const char* pairs = panel + j * S::kWidth * 4;
        b[j] = half == 0 ? S::low_halves(pairs) : S::high_halves(pairs);
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const char* at = row_at(rows, stride, r, offset + half * 4);
        typename S::V a = S::all(*reinterpret_cast<const float*>(at));
        asm("" : "+v"(a));
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) sums[r][j] = S::fma(a, b[j], sums[r][j]);
      }
    }
  }
};

}  // namespace
}  // namespace batchtune::kernels

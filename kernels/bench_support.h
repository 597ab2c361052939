// What the kernels' benchmarks share: the machine's register-only peak in the same process, and
// counters.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "kernels/arena.h"
#include "kernels/dtype.h"
#include "kernels/isa.h"
#include "kernels/probe/loops.h"

namespace batchtune::kernels {

// FLOP/s of one thread with operands in registers: the best of bursts that last some milliseconds.
inline double peak_of(Isa isa, Dtype dtype) {
  struct Row {
    probe::FmaLoop loop;
    double flops;  // of an iteration
  };
  const auto row = [&]() -> Row {
    if (dtype == Dtype::bf16 && isa == Isa::amx)
      return {&probe::amx::dot_bf16, probe::amx::kDotBf16Flops};
    if (dtype == Dtype::bf16 && isa == Isa::avx512bf16)
      return {&probe::avx512bf16::dot_bf16, probe::avx512bf16::kDotBf16Flops};
    if (isa >= Isa::avx512) return {&probe::avx512::fma_f32, probe::avx512::kFmaF32Flops};
    if (isa == Isa::avx2) return {&probe::avx2::fma_f32, probe::avx2::kFmaF32Flops};
    return {&probe::reference::fma_f32, probe::reference::kFmaF32Flops};
  }();
  const probe::FmaOperands operands = probe::ordinary_operands();
  constexpr std::int64_t kIterations = 50000;
  constexpr int kBursts = 40;
  double best = std::numeric_limits<double>::infinity();
  for (int burst = 0; burst < kBursts; ++burst) {
    const auto before = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(row.loop(operands, kIterations));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
    best = std::min(best, took.count());
  }
  return row.flops * kIterations / best;
}

// Times `body(team)` inside one region per iteration batch and reports the fastest iteration: on a
// shared machine the mean mostly tells of the neighbours. Counters: GFLOP/s and the share of
// `threads` x peak.
template <typename Body>
void run_benchmark(benchmark::State& state, int threads, double flops, double peak, Body&& body) {
  Arena arena(threads, Pin::yes);
  double best = std::numeric_limits<double>::infinity();
  arena.run([&](Team& team) {
    body(team);  // touches everything once
    for (auto _ : state) {
      const auto before = std::chrono::steady_clock::now();
      body(team);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
      best = std::min(best, took.count());
      state.SetIterationTime(took.count());
    }
  });
  state.counters["GFLOP/s"] = flops / best * 1e-9;
  state.counters["peak_%"] = 100 * flops / best / (peak * threads);
}

}  // namespace batchtune::kernels

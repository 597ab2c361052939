#include <vector>

#include "tests/kernels/gemm_support.h"

using namespace batchtune::kernels;

namespace {

struct Heads {
  std::int64_t samples, heads, heads_per_b, m, n, k;
  bool transposed;
  Dtype output;
};

// Heads interleaved in rows, as a projection leaves them: [sample][row][head][column].
double error_of(const GemmKernel& kernel, const Heads& h) {
  Random random(static_cast<std::uint64_t>(h.m + h.n + h.k));
  const std::int64_t b_heads = h.heads / h.heads_per_b;
  const std::int64_t b_rows = h.transposed ? h.n : h.k, b_columns = h.transposed ? h.k : h.n;
  const std::int64_t a_row = h.heads * h.k, b_row = b_heads * b_columns + 1, c_row = h.heads * h.n;
  const ProofTensor a = random.tensor(h.samples * h.m * a_row, kernel.dtype);
  const ProofTensor b = random.tensor(h.samples * b_rows * b_row, kernel.dtype);
  ProofTensor fast(h.samples * h.m * c_row, h.output), slow(h.samples * h.m * c_row, h.output);

  BatchedGemm call;
  call.samples = h.samples;
  call.heads = h.heads;
  call.heads_per_b = h.heads_per_b;
  call.shape = {h.m, h.n, h.k};
  call.a = {a.data(), h.m * a_row, h.k, a_row};
  call.b = {b.data(), b_rows * b_row, b_columns, b_row};
  call.b_transposed = h.transposed;
  call.c = {fast.data(), h.m * c_row, h.n, c_row};
  call.epilogue.scale = 0.125f;
  call.epilogue.output = h.output;
  const std::size_t lane_bytes = batched_gemm_workspace_bytes(kernel, call.shape);
  const AlignedBuffer scratch = poisoned_scratch(lane_bytes * 2);
  Arena arena(2, Pin::no);
  arena.run([&](Team& team) {
    batched_gemm(kernel, call, {scratch.as<std::byte>(), lane_bytes}, team);
  });

  for (std::int64_t sample = 0; sample < h.samples; ++sample) {
    for (std::int64_t head = 0; head < h.heads; ++head) {
      for (std::int64_t row = 0; row < h.m; ++row) {
        for (std::int64_t column = 0; column < h.n; ++column) {
          float sum = 0;
          for (std::int64_t i = 0; i < h.k; ++i) {
            const std::int64_t at = h.transposed ? column * b_row + i : i * b_row + column;
            sum += a.at((sample * h.m + row) * a_row + head * h.k + i) *
                   b.at(sample * b_rows * b_row + head / h.heads_per_b * b_columns + at);
          }
          slow.set((sample * h.m + row) * c_row + head * h.n + column, 0.125f * sum);
        }
      }
    }
  }
  return largest_difference(fast, slow) / tolerance(h.output, h.k);
}

}  // namespace

TEST_CASE("heads interleaved in rows multiply like separate matrices", "[gemm][attention]") {
  for_each_runnable([](const GemmKernel& kernel) {
    for (const Heads& h : {Heads{2, 3, 1, 19, 21, 16, true, Dtype::f32},
                           Heads{1, 4, 1, 7, 64, 33, false, Dtype::f32},
                           Heads{2, 2, 1, 1, 35, 64, true, Dtype::bf16},
                           Heads{1, 2, 1, 40, 16, 37, false, Dtype::bf16},
                           Heads{1, 3, 1, 33, 65, 96, true, Dtype::bf16},
                           Heads{3, 1, 1, 14, 32, 1, false, Dtype::f32}}) {
      INFO(kernel.name << " m=" << h.m << " n=" << h.n << " k=" << h.k
                       << " transposed=" << h.transposed);
      REQUIRE(error_of(kernel, h) <= 1.0);
    }
  });
}

TEST_CASE("grouped queries share one key and value head", "[gemm][attention]") {
  for_each_runnable([](const GemmKernel& kernel) {
    CHECK(error_of(kernel, {2, 8, 4, 1, 45, 64, true, Dtype::f32}) <= 1.0);
    CHECK(error_of(kernel, {1, 6, 2, 3, 64, 45, false, Dtype::f32}) <= 1.0);
  });
}

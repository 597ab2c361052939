// A kernel row against the textbook loops: sizes around its tile, tails in k, every epilogue once.
#include <cmath>
#include <cstdlib>
#include <vector>

#include "kernels/bfloat16.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"
#include "kernels/gemm/reference/naive.h"
#include "kernels/proof_data.h"

namespace batchtune::kernels {
namespace {

struct Case {
  std::int64_t m, n, k;
  Activation activation;
  ResidualAt residual_at;
  bool bias, residual;
  Dtype output;
};

std::string text_of(const Case& c) {
  return "m=" + std::to_string(c.m) + " n=" + std::to_string(c.n) + " k=" + std::to_string(c.k) +
         " activation=" + std::to_string(static_cast<int>(c.activation)) +
         " output=" + name_of(c.output);
}

// Runs one case both ways and gives the error as a share of its tolerance.
double error_of(const GemmKernel& kernel, const Case& c, Random& random) {
  const std::int64_t a_stride = c.k + 3, c_stride = c.n + 5;  // padded, odd: nothing is aligned
  const ProofTensor a = random.tensor(c.m * a_stride, kernel.dtype);
  const std::vector<float> weights = random.floats(c.k * c.n);
  const std::vector<float> bias = random.floats(c.n);
  const ProofTensor residual = random.tensor(c.m * c_stride, c.output);
  ProofTensor fast(c.m * c_stride, c.output), slow(c.m * c_stride, c.output);

  Epilogue epilogue;
  epilogue.scale = 0.5f;
  epilogue.bias = c.bias ? bias.data() : nullptr;
  epilogue.activation = c.activation;
  epilogue.residual = c.residual ? residual.data() : nullptr;
  epilogue.residual_stride = c_stride;
  epilogue.residual_at = c.residual_at;
  epilogue.output = c.output;

  const auto packed = PackedWeights::pack(kernel, c.k, c.n, weights.data());
  const std::size_t lane_bytes = gemm_workspace_bytes(kernel, c.k, c.n);
  const AlignedBuffer scratch = poisoned_scratch(lane_bytes);
  if (!packed || !scratch) return HUGE_VAL;
  Team alone;
  gemm({c.m, a.data(), a_stride, &*packed, fast.data(), c_stride, epilogue},
       {scratch.as<std::byte>(), lane_bytes}, alone);
  reference::gemm(c.m, c.n, c.k, kernel.dtype, a.data(), a_stride, weights.data(), slow.data(),
                  c_stride, epilogue);
  return largest_difference(fast, slow) / tolerance(c.output, c.k);
}

}  // namespace

Proof prove(const GemmKernel& kernel) {
  using enum Activation;
  const std::int64_t mr = kernel.mr, nr = kernel.nr;
  constexpr ResidualAt before = ResidualAt::before_activation, after = ResidualAt::after_activation;
  const Dtype half = kernel.dtype;  // bf16 kernels store both
  const Case cases[] = {
      {1, nr, 1, none, before, false, false, Dtype::f32},
      {1, nr + 1, 67, none, before, true, false, half},
      {2, nr - 1, 64, relu, before, true, true, half},
      {3, 1, 129, relu6, after, true, true, half},
      {mr - 1, 2 * nr, 31, gelu_tanh, before, true, false, half},
      {mr, nr, 33, silu, before, true, false, Dtype::f32},
      {mr, 2 * nr + 1, 35, gelu_erf, before, true, true, half},
      {mr + 1, nr + 7, 300, none, after, false, true, half},
      {2 * mr + 3, 3, 520, relu, after, true, true, Dtype::f32},
  };
  Random random(1);
  Proof proof;
  for (const Case& c : cases) {
    if (c.m <= 0 || c.n <= 0) continue;  // the reference's tile has one row
    const double error = error_of(kernel, c, random);
    if (!(error <= proof.error)) {  // also NaN
      proof.error = error;
      proof.where = text_of(c);
    }
  }
  proof.passed = proof.error <= 1.0;
  return proof;
}

}  // namespace batchtune::kernels

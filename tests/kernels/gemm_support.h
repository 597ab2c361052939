// One product both ways, for the gemm tests.
#pragma once

#include <sys/mman.h>

#include <string>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"
#include "kernels/gemm/reference/naive.h"
#include "kernels/proof_data.h"
#include "tests/support/catch.h"

namespace batchtune::kernels {

struct GemmCase {
  std::int64_t m = 1, n = 1, k = 1;
  std::int64_t a_padding = 0, c_padding = 0;
  Activation activation = Activation::none;
  bool bias = false, residual = false;
  ResidualAt residual_at = ResidualAt::before_activation;
  Dtype output = Dtype::f32;
  int threads = 1;
};

// Memory that ends at a page which nobody may touch.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t bytes)
      : bytes_(bytes), span_((bytes + kPage - 1) / kPage * kPage + kPage) {
    start_ = static_cast<std::byte*>(
        mmap(nullptr, span_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE((start_ != MAP_FAILED));
    REQUIRE(mprotect(start_ + span_ - kPage, kPage, PROT_NONE) == 0);
  }
  ~GuardedMemory() { munmap(start_, span_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return start_ + span_ - kPage - bytes_; }
  std::size_t size() const { return bytes_; }

 private:
  static constexpr std::size_t kPage = 4096;
  std::size_t bytes_, span_;
  std::byte* start_;
};

constexpr float kUntouched = 12345.0f;  // in the padding of C, exact in bf16 as 12352

// Runs the case; the error as a share of its tolerance. Checks that the padding of C stays as it
// was.
inline double gemm_error(const GemmKernel& kernel, const GemmCase& c) {
  Random random(static_cast<std::uint64_t>(c.m * 31 + c.n * 7 + c.k));
  const std::int64_t a_stride = c.k + c.a_padding, c_stride = c.n + c.c_padding;
  const ProofTensor a = random.tensor(c.m * a_stride, kernel.dtype);
  const std::vector<float> weights = random.floats(c.k * c.n), bias = random.floats(c.n);
  const ProofTensor residual = random.tensor(c.m * c_stride, c.output);
  ProofTensor fast(c.m * c_stride, c.output), slow(c.m * c_stride, c.output);
  for (std::int64_t i = 0; i < fast.size(); ++i) fast.set(i, kUntouched);
  const float untouched = ProofTensor(fast).at(0);

  Epilogue epilogue;
  epilogue.bias = c.bias ? bias.data() : nullptr;
  epilogue.activation = c.activation;
  epilogue.residual = c.residual ? residual.data() : nullptr;
  epilogue.residual_stride = c_stride;
  epilogue.residual_at = c.residual_at;
  epilogue.output = c.output;
  const auto packed = PackedWeights::pack(kernel, c.k, c.n, weights.data());
  REQUIRE(packed);
  CHECK(packed->bytes() == PackedWeights::bytes(kernel, c.k, c.n));
  const std::size_t lane_bytes = gemm_workspace_bytes(kernel, c.k, c.n);
  const AlignedBuffer scratch = poisoned_scratch(lane_bytes * static_cast<std::size_t>(c.threads));
  Arena arena(c.threads, Pin::no);
  arena.run([&](Team& team) {
    gemm({c.m, a.data(), a_stride, &*packed, fast.data(), c_stride, epilogue},
         {scratch.as<std::byte>(), lane_bytes}, team);
  });
  reference::gemm(c.m, c.n, c.k, kernel.dtype, a.data(), a_stride, weights.data(), slow.data(),
                  c_stride, epilogue);
  bool padding_kept = true;
  for (std::int64_t row = 0; row < c.m; ++row) {
    for (std::int64_t column = c.n; column < c_stride; ++column) {
      padding_kept = padding_kept && fast.at(row * c_stride + column) == untouched;
      slow.set(row * c_stride + column, 0);
      fast.set(row * c_stride + column, 0);
    }
  }
  CHECK(padding_kept);
  return largest_difference(fast, slow) / tolerance(c.output, c.k);
}

inline std::string text_of(const GemmKernel& kernel, const GemmCase& c) {
  return std::string(kernel.name) + " m=" + std::to_string(c.m) + " n=" + std::to_string(c.n) +
         " k=" + std::to_string(c.k) +
         " activation=" + std::to_string(static_cast<int>(c.activation)) +
         " output=" + name_of(c.output) + " threads=" + std::to_string(c.threads);
}

// Calls check(kernel) for every row that this machine runs.
template <typename Check>
void for_each_runnable(Check&& check) {
  for (const GemmKernel* kernel : gemm_kernels()) {
    if (supported(kernel->isa)) check(*kernel);
  }
}

}  // namespace batchtune::kernels

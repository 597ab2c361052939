#include "kernels/norm/norm.h"

#include "kernels/agreement.h"
#include "kernels/norm/rows.h"
#include "kernels/select.h"
#include "kernels/split.h"

namespace batchtune::kernels {
namespace {

#define BT_NORM_ROW(isa, storage)                                                 \
  {                                                                               \
    "norm_" #storage "_" #isa, Dtype::storage, Isa::isa, &isa::softmax_##storage, \
        &isa::layer_norm_##storage, &isa::rms_norm_##storage                      \
  }
constexpr NormKernel kKernels[] = {
    BT_NORM_ROW(avx512, f32),     BT_NORM_ROW(avx512bf16, bf16), BT_NORM_ROW(avx512, bf16),
    BT_NORM_ROW(avx2, f32),       BT_NORM_ROW(avx2, bf16),       BT_NORM_ROW(reference, f32),
    BT_NORM_ROW(reference, bf16),
};
#undef BT_NORM_ROW

// Passes over each row, for the size of chunks.
constexpr std::int64_t kReadAndWrite = 2;

template <typename F>
void for_rows(const NormKernel& kernel, const Rows& rows, Team& team, F f) {
  if (rows.length <= 0) return;
  const auto bytes = rows.length * static_cast<std::int64_t>(bytes_of(kernel.dtype));
  split_rows(team, rows.rows, bytes * kReadAndWrite, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      f(static_cast<const std::byte*>(rows.in) + row * bytes,
        static_cast<std::byte*>(rows.out) + row * bytes);
    }
  });
}

}  // namespace

std::span<const NormKernel> norm_kernels() {
  return kKernels;
}

const NormKernel& select_norm(Dtype dtype, IsaMask allowed,
                              std::span<const std::string_view> left_out) {
  return select_kernel(norm_kernels(), dtype, allowed, left_out);
}

void softmax(const NormKernel& kernel, const Rows& rows, float scale, Team& team) {
  for_rows(kernel, rows, team,
           [&](const void* in, void* out) { kernel.softmax(in, rows.length, scale, out); });
}

void layer_norm(const NormKernel& kernel, const Rows& rows, float epsilon, const float* gain,
                const float* bias, Team& team) {
  for_rows(kernel, rows, team, [&](const void* in, void* out) {
    kernel.layer_norm(in, rows.length, epsilon, gain, bias, out);
  });
}

void rms_norm(const NormKernel& kernel, const Rows& rows, float epsilon, const float* gain,
              Team& team) {
  for_rows(kernel, rows, team, [&](const void* in, void* out) {
    kernel.rms_norm(in, rows.length, epsilon, gain, out);
  });
}

Proof prove(const NormKernel& kernel) {
  constexpr float kEpsilon = 1e-5f, kScale = 3;
  const NormKernel& twin = select_norm(kernel.dtype, mask_of(Isa::reference));
  Proof proof;
  for (const std::int64_t n : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 1000, 1027}) {
    const std::string length = "length " + std::to_string(n);
    const Tensor x = Tensor::random(kernel.dtype, n, static_cast<std::uint32_t>(n));
    const Tensor gain = Tensor::random(Dtype::f32, n, 1), bias = Tensor::random(Dtype::f32, n, 2);
    const auto* g = static_cast<const float*>(gain.data());
    const auto* b = static_cast<const float*>(bias.data());
    Tensor fast(kernel.dtype, n), slow(kernel.dtype, n);
    kernel.softmax(x.data(), n, kScale, fast.data());
    twin.softmax(x.data(), n, kScale, slow.data());
    compare(proof, kernel.dtype, n, fast, slow, "softmax, " + length);
    kernel.layer_norm(x.data(), n, kEpsilon, g, b, fast.data());
    twin.layer_norm(x.data(), n, kEpsilon, g, b, slow.data());
    compare(proof, kernel.dtype, n, fast, slow, "layer norm, " + length);
    kernel.rms_norm(x.data(), n, kEpsilon, g, fast.data());
    twin.rms_norm(x.data(), n, kEpsilon, g, slow.data());
    compare(proof, kernel.dtype, n, fast, slow, "rms norm, " + length);
  }
  return proof;
}

}  // namespace batchtune::kernels

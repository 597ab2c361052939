// Softmax, layer norm and RMS norm over rows that lie one after the other. Storage is f32 or bf16,
// arithmetic f32. Input and output may be the same tensor.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/arena.h"
#include "kernels/dtype.h"
#include "kernels/isa.h"
#include "kernels/proof.h"

namespace batchtune::kernels {

// One row of the table: three functions on one row of `n` >= 1 elements.
struct NormKernel {
  std::string_view name;  // "norm_f32_avx512"
  Dtype dtype;
  Isa isa;
  void (*softmax)(const void* in, std::int64_t n, float scale, void* out);
  void (*layer_norm)(const void* in, std::int64_t n, float epsilon, const float* gain,
                     const float* bias, void* out);
  void (*rms_norm)(const void* in, std::int64_t n, float epsilon, const float* gain, void* out);
};

std::span<const NormKernel> norm_kernels();  // best first for each dtype, the reference last
const NormKernel& select_norm(Dtype dtype, IsaMask allowed,
                              std::span<const std::string_view> left_out = {});
// Against the reference row, over awkward lengths; below a millisecond.
Proof prove(const NormKernel& kernel);

struct Rows {
  const void* in = nullptr;
  void* out = nullptr;
  std::int64_t rows = 0;
  std::int64_t length = 0;  // elements of a row
};

// exp(scale x) over its sum, for each row. Large values are safe: the row's maximum is taken off
// first. The exponential is good to 2 units in the last place; below exp(-87) it stays at that.
void softmax(const NormKernel& kernel, const Rows& rows, float scale, Team& team);
// gain (x - mean) / sqrt(variance + epsilon) + bias; two passes, so constant rows give `bias`
// exactly.
void layer_norm(const NormKernel& kernel, const Rows& rows, float epsilon, const float* gain,
                const float* bias, Team& team);
// gain x / sqrt(mean of squares + epsilon).
void rms_norm(const NormKernel& kernel, const Rows& rows, float epsilon, const float* gain,
              Team& team);

}  // namespace batchtune::kernels

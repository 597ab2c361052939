// Loops over contiguous f32, one set per instruction set: what the operations of this folder spend
// their time in. Included by ISA files: plain data only. Internal to this folder, but for its
// table.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/dtype.h"
#include "kernels/isa.h"
#include "kernels/tensor/operations.h"

namespace batchtune::kernels::tensor {

// out[i] = f(in[i]); in place as well.
using UnaryLoop = void (*)(float alpha, float beta, const float* in, std::int64_t n, float* out);
// out[i] = f(a[i], b[i]), or with one of them the same for all (Operands); in place as well.
using BinaryLoop = void (*)(const float* a, const float* b, std::int64_t n, float* out);
enum class Operands : std::uint8_t { both, first_is_one, second_is_one };

// What is done along a row, or across rows.
enum class Fold : std::uint8_t {
  sum,
  sum_abs,     // of |x - shift|
  sum_square,  // of (x - shift)^2
  max,         // NaN wins
  min,
};
using FoldRow = float (*)(const float* row, std::int64_t n, float shift);  // n >= 1
using FoldInto = void (*)(const float* row, std::int64_t n, float* into);  // shift 0

struct VectorKernel {
  std::string_view name;  // "tensor_f32_avx512"
  Dtype dtype;            // f32
  Isa isa;
  // Null where there is no loop of this kind: the operation is left to the C library.
  UnaryLoop (*unary)(Unary operation);
  BinaryLoop (*binary)(Binary operation, Operands operands);  // add, sub, mul, div, min, max
  UnaryLoop clip;                                             // to [alpha, beta]; NaN stays
  UnaryLoop multiply_add;                                     // in[i] alpha + beta
  FoldRow (*fold_row)(Fold fold);
  FoldInto (*fold_into)(Fold fold);
  void (*add_scaled)(float factor, const float* in, std::int64_t n,
                     float* into);  // into += factor in
  float (*dot)(const float* a, const float* b, std::int64_t n);
  // (row[i] - mean) factor scale[i] + bias[i]; bias may be null; out may be the row.
  void (*normalize_row)(const float* row, std::int64_t n, float mean, float factor,
                        const float* scale, const float* bias, float* out);
  // exp(x - largest of x) over its sum; out may be the row.
  void (*softmax_row)(const float* row, std::int64_t n, float* out);
};

#define BT_TENSOR_VECTOR_FUNCTIONS                                                         \
  UnaryLoop unary_loop(Unary operation);                                                   \
  BinaryLoop binary_loop(Binary operation, Operands operands);                             \
  void clip(float alpha, float beta, const float* in, std::int64_t n, float* out);         \
  void multiply_add(float alpha, float beta, const float* in, std::int64_t n, float* out); \
  FoldRow fold_row(Fold fold);                                                             \
  FoldInto fold_into(Fold fold);                                                           \
  void add_scaled(float factor, const float* in, std::int64_t n, float* into);             \
  float dot(const float* a, const float* b, std::int64_t n);                               \
  void normalize_row(const float* row, std::int64_t n, float mean, float factor,           \
                     const float* scale, const float* bias, float* out);                   \
  void softmax_row(const float* row, std::int64_t n, float* out);

namespace reference {
BT_TENSOR_VECTOR_FUNCTIONS
}  // namespace reference
namespace avx2 {
BT_TENSOR_VECTOR_FUNCTIONS
}  // namespace avx2
namespace avx512 {
BT_TENSOR_VECTOR_FUNCTIONS
}  // namespace avx512

#undef BT_TENSOR_VECTOR_FUNCTIONS

}  // namespace batchtune::kernels::tensor

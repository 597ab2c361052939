// Matrix products of which both operands are data. f32 runs on kernels/gemm where a workspace is
// given, else on plain loops; other types run on plain loops, floats summed in f32 (f64: f64),
// integers in 64 bits.
#pragma once

#include <span>
#include <string_view>

#include "kernels/tensor/tensor.h"
#include "kernels/workspace.h"

namespace batchtune::kernels::tensor {

// numpy's matmul: the last two axes multiply, those before broadcast, 1-D operands get an axis that
// the output does not have.
Outcome matmul(const Context& context, const ConstTensor& a, const ConstTensor& b,
               const Tensor& out, const Workspace& workspace = {});
// Bytes for each lane of the team; 0 where none are used.
std::size_t matmul_workspace_bytes(const Kernels& kernels, const ConstTensor& a,
                                   const ConstTensor& b);

struct GemmCall {
  double alpha = 1, beta = 1;
  bool transpose_a = false, transpose_b = false;
};
// out = alpha A B + beta C, C (may be null) broadcast to [M][N].
Outcome gemm(const Context& context, const GemmCall& call, const ConstTensor& a,
             const ConstTensor& b, const ConstTensor* c, const Tensor& out,
             const Workspace& workspace = {});
std::size_t gemm_workspace_bytes(const Kernels& kernels, const GemmCall& call, const ConstTensor& a,
                                 const ConstTensor& b);

// i8 or u8 to i32. Zero points (null: 0): a scalar, or one for each row of a, for each column of b.
Outcome matmul_integer(const Context& context, const ConstTensor& a, const ConstTensor& b,
                       const ConstTensor* a_zero, const ConstTensor* b_zero, const Tensor& out);

// ONNX's equation: "bij,bjk->bik", with or without "->", ellipses and repeated letters. Plain
// loops.
Outcome einsum(const Context& context, std::string_view equation,
               std::span<const ConstTensor> inputs, const Tensor& out);
// The output's shape; false where the equation does not fit the inputs.
bool einsum_shape(std::string_view equation, std::span<const Shape> inputs, Shape& out);

}  // namespace batchtune::kernels::tensor

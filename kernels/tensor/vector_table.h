// The table of f32 loops, best first, and their proof.
#pragma once

#include <span>
#include <string_view>

#include "kernels/proof.h"
#include "kernels/tensor/vector.h"

namespace batchtune::kernels::tensor {

std::span<const VectorKernel> vector_kernels();  // best first, the reference last
const VectorKernel& select_vector(IsaMask allowed, std::span<const std::string_view> left_out = {});
// Against the reference row, over awkward lengths; below a millisecond.
Proof prove(const VectorKernel& kernel);

}  // namespace batchtune::kernels::tensor

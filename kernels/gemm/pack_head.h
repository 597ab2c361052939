// Packing of a B that changes with every run. Private to kernels/gemm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"

namespace batchtune::kernels {

std::int64_t head_panel_bytes(const GemmKernel& kernel, const GemmShape& shape);

// B of one head, [K,N] or [N,K], of the kernel's dtype, into panels. `row_stride` in elements.
void pack_head(const GemmKernel& kernel, const GemmShape& shape, const void* b,
               std::int64_t row_stride, bool transposed, std::byte* packed);

}  // namespace batchtune::kernels

// C = epilogue(A x W): the rows of A as they lie in memory, shared among lanes in chunks.
#include "kernels/gemm/gemm.h"

#include <cassert>

#include "kernels/gemm/kernel.h"
#include "kernels/gemm/multiply.h"

namespace batchtune::kernels {
namespace {

void stage_matrix(const void* context, const GemmKernel& kernel, std::int64_t row0,
                  std::int64_t rows, std::int64_t k0, std::int64_t k_count, std::byte* to,
                  std::int64_t to_stride) {
  const auto& matrix = *static_cast<const MatrixView*>(context);
  const auto element = static_cast<std::int64_t>(bytes_of(kernel.dtype));
  kernel.stage(matrix.data + row0 * matrix.stride + k0 * element, matrix.stride, to, to_stride,
               rows, k_count);
}

}  // namespace

RowSource matrix_rows(const GemmKernel& kernel, const MatrixView& matrix, std::int64_t k) {
  RowSource source{};
  source.stage = &stage_matrix;
  source.context = &matrix;
  const bool as_it_lies = kernel.layout != StepLayout::bf16_widened && k % kernel.k_unit() == 0;
  if (as_it_lies && !rows_alias(matrix.stride)) {
    source.in_place = matrix.data;
    source.in_place_stride = matrix.stride;
  }
  return source;
}

std::size_t gemm_workspace_bytes(const GemmKernel& kernel, std::int64_t k, std::int64_t /*n*/) {
  return multiply_workspace_bytes(kernel, k);
}

void gemm(const Gemm& call, const Workspace& workspace, Team& team) {
  if (call.m <= 0) return;
  const PackedWeights& weights = *call.weights;
  const GemmKernel& kernel = weights.kernel();
  assert(workspace.lane_bytes >= gemm_workspace_bytes(kernel, weights.k(), weights.n()));
  const auto element = static_cast<std::int64_t>(bytes_of(kernel.dtype));
  const MatrixView matrix{static_cast<const std::byte*>(call.a), call.a_stride * element};
  const Product product{&kernel,
                        call.m,
                        weights.n(),
                        weights.k(),
                        matrix_rows(kernel, matrix, weights.k()),
                        weights.group(0),
                        call.c,
                        call.c_stride,
                        call.epilogue};
  multiply(product, workspace, team);
}

}  // namespace batchtune::kernels

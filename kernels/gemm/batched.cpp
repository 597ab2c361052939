// Products of activations, head by head: B changes with every run, so each chunk packs its own
// head's B into the lane's scratch and multiplies the heads of A that share it.
#include <cassert>
#include <type_traits>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"
#include "kernels/gemm/multiply.h"
#include "kernels/gemm/pack_head.h"

namespace batchtune::kernels {
namespace {

template <typename Pointer>
auto head_at(const HeadsOf<Pointer>& heads, std::int64_t sample, std::int64_t head, Dtype dtype) {
  using Byte = std::conditional_t<std::is_const_v<std::remove_pointer_t<Pointer>>, const std::byte,
                                  std::byte>;
  return static_cast<Byte*>(heads.data) +
         (sample * heads.sample_stride + head * heads.head_stride) *
             static_cast<std::int64_t>(bytes_of(dtype));
}

void multiply_heads(const GemmKernel& kernel, const BatchedGemm& call, std::int64_t sample,
                    std::int64_t b_head, std::byte* scratch) {
  const GemmShape& shape = call.shape;
  const auto* b = head_at(call.b, sample, b_head, kernel.dtype);
  pack_head(kernel, shape, b, call.b.row_stride, call.b_transposed, scratch);
  const Blocking blocking = block(kernel, shape.m, shape.n, shape.k, 1);
  std::byte* own =
      scratch + AlignedBuffer::footprint(static_cast<std::size_t>(head_panel_bytes(kernel, shape)));
  for (std::int64_t i = 0; i < call.heads_per_b; ++i) {
    const std::int64_t head = b_head * call.heads_per_b + i;
    const MatrixView a{head_at(call.a, sample, head, kernel.dtype),
                       call.a.row_stride * static_cast<std::int64_t>(bytes_of(kernel.dtype))};
    const Product product{&kernel,
                          shape.m,
                          shape.n,
                          shape.k,
                          matrix_rows(kernel, a, shape.k),
                          scratch,
                          head_at(call.c, sample, head, call.epilogue.output),
                          call.c.row_stride,
                          call.epilogue};
    forget_staged(own);
    for (std::int64_t chunk = 0; chunk < blocking.chunks(); ++chunk) {
      multiply_chunk(product, blocking, chunk, own);
    }
  }
}

}  // namespace

std::size_t batched_gemm_workspace_bytes(const GemmKernel& kernel, const GemmShape& shape) {
  return AlignedBuffer::footprint(static_cast<std::size_t>(head_panel_bytes(kernel, shape))) +
         multiply_workspace_bytes(kernel, shape.k);
}

void batched_gemm(const GemmKernel& kernel, const BatchedGemm& call, const Workspace& workspace,
                  Team& team) {
  const GemmShape& shape = call.shape;
  if (call.samples <= 0 || call.heads <= 0 || shape.m <= 0) return;
  assert(workspace.lane_bytes >= batched_gemm_workspace_bytes(kernel, shape));
  const std::int64_t b_heads = call.heads / call.heads_per_b;
  const bool tiny = is_tiny(shape.m * call.samples * call.heads, shape.n, shape.k);
  team.for_each(
      call.samples * b_heads,
      [&](std::int64_t chunk, int lane) {
        multiply_heads(kernel, call, chunk / b_heads, chunk % b_heads, workspace.lane(lane));
      },
      tiny ? Grain::tiny : Grain::normal);
}

}  // namespace batchtune::kernels

// The one list of depthwise kernels: selection, listing, tests and benchmarks read it.
#include "kernels/conv/conv.h"
#include "kernels/conv/depthwise.h"
#include "kernels/select.h"

namespace batchtune::kernels {
namespace {

// Best first for each dtype; the reference rows are last and always run. bf16 inputs are widened,
// so bf16 instructions would not help.
const DepthwiseKernel* const kRows[] = {
    &avx512::depthwise_f32,    &avx2::depthwise_f32,   //
    &avx512::depthwise_bf16,   &avx2::depthwise_bf16,  //
    &reference::depthwise_f32, &reference::depthwise_bf16,
};

}  // namespace

std::span<const DepthwiseKernel* const> depthwise_kernels() {
  return kRows;
}
std::string_view name_of(const DepthwiseKernel& kernel) {
  return kernel.name;
}
Isa isa_of(const DepthwiseKernel& kernel) {
  return kernel.isa;
}
Dtype dtype_of(const DepthwiseKernel& kernel) {
  return kernel.dtype;
}

const DepthwiseKernel& select_depthwise(Dtype dtype, IsaMask allowed,
                                        std::span<const std::string_view> left_out) {
  return select_kernel(depthwise_kernels(), dtype, allowed, left_out);
}

}  // namespace batchtune::kernels

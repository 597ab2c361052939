// The one list of gemm kernels: selection, listing, tests and benchmarks read it.
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/kernel.h"
#include "kernels/select.h"

namespace batchtune::kernels {
namespace {

// Best first for each dtype; the reference rows are last and always run.
const GemmKernel* const kRows[] = {
    &avx512::gemm_f32, &avx2::gemm_f32,                                //
    &amx::gemm_bf16,   &avx512bf16::gemm_bf16, &avx512::gemm_bf16,     //
    &avx2::gemm_bf16,  &reference::gemm_f32,   &reference::gemm_bf16,  //
};

}  // namespace

std::span<const GemmKernel* const> gemm_kernels() {
  return kRows;
}

std::string_view name_of(const GemmKernel& kernel) {
  return kernel.name;
}
Isa isa_of(const GemmKernel& kernel) {
  return kernel.isa;
}
Dtype dtype_of(const GemmKernel& kernel) {
  return kernel.dtype;
}

const GemmKernel& select_gemm(Dtype dtype, IsaMask allowed,
                              std::span<const std::string_view> left_out) {
  return select_kernel(gemm_kernels(), dtype, allowed, left_out);
}

}  // namespace batchtune::kernels

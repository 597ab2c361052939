// Products for AVX2: 6 x 16 tiles keep 12 sums, 2 vectors of W and one broadcast in the 16
// registers.
#include "kernels/gemm/generic/finish.h"
#include "kernels/gemm/generic/micro.h"
#include "kernels/simd/avx2.h"

namespace batchtune::kernels::avx2 {
namespace {

template <typename Step>
constexpr MicroKernel all[6] = {&micro<Simd, Step, 1>, &micro<Simd, Step, 2>,
                                &micro<Simd, Step, 3>, &micro<Simd, Step, 4>,
                                &micro<Simd, Step, 5>, &micro<Simd, Step, 6>};

}  // namespace

constinit const GemmKernel gemm_f32 = {
    "gemm_f32_6x16_avx2", Isa::avx2,     Dtype::f32,          StepLayout::f32, 6, 16,
    all<StepF32>,         &finish<Simd>, &stage_copy<Simd, 4>};
constinit const GemmKernel gemm_bf16 = {
    "gemm_bf16_6x16_avx2", Isa::avx2,     Dtype::bf16,       StepLayout::bf16_widened, 6, 16,
    all<StepBf16Widened>,  &finish<Simd>, &stage_widen<Simd>};

}  // namespace batchtune::kernels::avx2

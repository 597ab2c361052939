// Products for AVX-512 without bf16 instructions: 14 x 32 tiles keep 28 sums, 2 vectors of W and
// one broadcast in the 32 registers.
#include "kernels/gemm/generic/finish.h"
#include "kernels/gemm/generic/micro.h"
#include "kernels/simd/avx512.h"

namespace batchtune::kernels::avx512 {
namespace {

template <typename Step, int R>
constexpr MicroKernel one = &micro<Simd, Step, R>;

template <typename Step>
constexpr MicroKernel all[14] = {one<Step, 1>,  one<Step, 2>,  one<Step, 3>,  one<Step, 4>,
                                 one<Step, 5>,  one<Step, 6>,  one<Step, 7>,  one<Step, 8>,
                                 one<Step, 9>,  one<Step, 10>, one<Step, 11>, one<Step, 12>,
                                 one<Step, 13>, one<Step, 14>};

}  // namespace

constinit const GemmKernel gemm_f32 = {
    "gemm_f32_14x32_avx512", Isa::avx512,         Dtype::f32, StepLayout::f32, 14, 32, all<StepF32>,
    &finish<Simd>,           &stage_copy<Simd, 4>};
constinit const GemmKernel gemm_bf16 = {
    "gemm_bf16_14x32_avx512", Isa::avx512,   Dtype::bf16,       StepLayout::bf16_widened, 14, 32,
    all<StepBf16Widened>,     &finish<Simd>, &stage_widen<Simd>};

}  // namespace batchtune::kernels::avx512

// Depthwise convolution for AVX512.
#include "kernels/conv/generic/depthwise_row.h"
#include "kernels/simd/avx512.h"

namespace batchtune::kernels::avx512 {

constinit const DepthwiseKernel depthwise_f32 = {"depthwise_f32_avx512", Isa::avx512, Dtype::f32,
                                                 &depthwise_row<Simd, float>};
constinit const DepthwiseKernel depthwise_bf16 = {"depthwise_bf16_avx512", Isa::avx512, Dtype::bf16,
                                                  &depthwise_row<Simd, std::uint16_t>};

}  // namespace batchtune::kernels::avx512

// Depthwise convolution for AVX2.
#include "kernels/conv/generic/depthwise_row.h"
#include "kernels/simd/avx2.h"

namespace batchtune::kernels::avx2 {

constinit const DepthwiseKernel depthwise_f32 = {"depthwise_f32_avx2", Isa::avx2, Dtype::f32,
                                                 &depthwise_row<Simd, float>};
constinit const DepthwiseKernel depthwise_bf16 = {"depthwise_bf16_avx2", Isa::avx2, Dtype::bf16,
                                                  &depthwise_row<Simd, std::uint16_t>};

}  // namespace batchtune::kernels::avx2

// bf16 products by vdpbf16ps: each sum takes a pair of products a step. The instruction treats
// denormal inputs and sums as zero.
#include "kernels/gemm/generic/finish.h"
#include "kernels/gemm/generic/micro.h"
#include "kernels/simd/avx512.h"

namespace batchtune::kernels::avx512bf16 {
namespace {

// A pair of k.
struct StepBf16Pairs {
  static constexpr int kRowBytes = 4;
  template <typename S, int R>
  [[gnu::always_inline]] static void add(const char* const* rows, std::int64_t stride, int offset,
                                         const char* panel, typename S::V (&sums)[R][kVectors]) {
    __m512i b[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) b[j] = _mm512_loadu_si512(panel + j * 64);
    prefetch<S>(panel);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      int pair;
      __builtin_memcpy(&pair, row_at(rows, stride, r, offset), sizeof pair);
      __m512i a = _mm512_set1_epi32(pair);
      asm("" : "+v"(a));  // one broadcast for both products, not one embedded in each
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        sums[r][j] = _mm512_dpbf16_ps(sums[r][j], reinterpret_cast<__m512bh>(a),
                                      reinterpret_cast<__m512bh>(b[j]));
      }
    }
  }
};

template <int R>
constexpr MicroKernel one = &micro<Simd, StepBf16Pairs, R>;

constexpr MicroKernel all[14] = {one<1>, one<2>, one<3>,  one<4>,  one<5>,  one<6>,  one<7>,
                                 one<8>, one<9>, one<10>, one<11>, one<12>, one<13>, one<14>};

}  // namespace

constinit const GemmKernel gemm_bf16 = {"gemm_bf16_14x32_avx512bf16",
                                        Isa::avx512bf16,
                                        Dtype::bf16,
                                        StepLayout::bf16_pairs,
                                        14,
                                        32,
                                        all,
                                        &finish<Simd>,
                                        &stage_copy<Simd, 2>};

}  // namespace batchtune::kernels::avx512bf16

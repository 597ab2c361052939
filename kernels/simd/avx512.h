// 512-bit vectors of f32 for the generic kernels. For files compiled for AVX-512 only: everything
// has internal linkage (an island: no standard containers or algorithms).
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace batchtune::kernels {
namespace {

struct Simd {
  using V = __m512;
  static constexpr int kWidth = 16;

  static V zero() { return _mm512_setzero_ps(); }
  static V all(float x) { return _mm512_set1_ps(x); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V sub(V a, V b) { return _mm512_sub_ps(a, b); }
  static V mul(V a, V b) { return _mm512_mul_ps(a, b); }
  static V div(V a, V b) { return _mm512_div_ps(a, b); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  // a / b within a unit in the last place, b ordinary: dividing takes 16 cycles and more.
  static V quotient(V a, V b) {
    const V inverse = _mm512_rcp14_ps(b);
    const V better = fma(inverse, _mm512_fnmadd_ps(b, inverse, all(1.0f)), inverse);
    const V near = mul(a, better);
    return fma(better, _mm512_fnmadd_ps(b, near, a), near);
  }
  static V max(V a, V b) { return _mm512_max_ps(a, b); }
  static V min(V a, V b) { return _mm512_min_ps(a, b); }
  static V round(V a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
  static V times_two_to(V a, V n) { return _mm512_scalef_ps(a, n); }  // n whole, in [-126, 127]

  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, V v) { _mm512_storeu_ps(p, v); }
  // The first n of kWidth elements, 0 < n < kWidth; others read as zero and are not written.
  static V load(const float* p, int n) { return _mm512_maskz_loadu_ps(mask(n), p); }
  static void store(float* p, V v, int n) { _mm512_mask_storeu_ps(p, mask(n), v); }

  static V load(const std::uint16_t* p) { return widen(_mm256_loadu_si256(as_vector(p))); }
  static V load(const std::uint16_t* p, int n) {
    return widen(_mm256_maskz_loadu_epi16(mask(n), p));
  }
  static void store(std::uint16_t* p, V v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(v));
  }
  static void store(std::uint16_t* p, V v, int n) {
    _mm256_mask_storeu_epi16(p, mask(n), narrow(v));
  }

  // Two vectors side by side.
  static void store_two(float* p, V a, V b) {
    store(p, a);
    store(p + kWidth, b);
  }
  static void store_two(std::uint16_t* p, V a, V b) {
#ifdef __AVX512BF16__
    _mm512_storeu_si512(p, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a)));
#else
    store(p, a);
    store(p + kWidth, b);
#endif
  }

  // The even and the odd bf16 of kWidth pairs.
  static V low_halves(const void* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
  }
  static V high_halves(const void* p) {
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(static_cast<int>(0xffff0000))));
  }

  // Bytes [0, n) of rows of any length; for staging.
  static constexpr std::int64_t kBytes = 64;
  static void copy(const char* from, char* to) {
    _mm512_storeu_si512(to, _mm512_loadu_si512(from));
  }
  static void copy_tail(const char* from, char* to, std::int64_t n) {  // 0 < n < kBytes
    const __mmask64 bytes = ~std::uint64_t{0} >> (kBytes - n);
    _mm512_mask_storeu_epi8(to, bytes, _mm512_maskz_loadu_epi8(bytes, from));
  }

 private:
  static __mmask16 mask(int n) {
    return static_cast<__mmask16>((1u << n) - 1u);
  }
  static const __m256i* as_vector(const std::uint16_t* p) {
    return reinterpret_cast<const __m256i*>(p);
  }
  static V widen(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static __m256i narrow(V v) {
#ifdef __AVX512BF16__
    return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v));
#else
    // Round to nearest, ties to even, on the bits; a NaN stays one.
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x00400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16));
#endif
  }
};

}  // namespace
}  // namespace batchtune::kernels

// 256-bit vectors of f32 for the generic kernels. For files compiled for AVX2 only: everything has
// internal linkage (an island: no standard containers or algorithms). The twin of avx512.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace batchtune::kernels {
namespace {

struct Simd {
  using V = __m256;
  static constexpr int kWidth = 8;

  static V zero() { return _mm256_setzero_ps(); }
  static V all(float x) { return _mm256_set1_ps(x); }
  static V add(V a, V b) { return _mm256_add_ps(a, b); }
  static V sub(V a, V b) { return _mm256_sub_ps(a, b); }
  static V mul(V a, V b) { return _mm256_mul_ps(a, b); }
  static V div(V a, V b) { return _mm256_div_ps(a, b); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static V quotient(V a, V b) { return div(a, b); }  // as exact as the other Simd's at least
  static V max(V a, V b) { return _mm256_max_ps(a, b); }
  static V min(V a, V b) { return _mm256_min_ps(a, b); }
  static V round(V a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static V times_two_to(V a, V n) {  // n whole, in [-126, 127]
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }

  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, V v) { _mm256_storeu_ps(p, v); }
  // The first n of kWidth elements, 0 < n < kWidth; others read as zero and are not written.
  static V load(const float* p, int n) { return _mm256_maskload_ps(p, mask(n)); }
  static void store(float* p, V v, int n) { _mm256_maskstore_ps(p, mask(n), v); }

  static V load(const std::uint16_t* p) {
    return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static V load(const std::uint16_t* p, int n) {
    alignas(16) std::uint16_t whole[kWidth] = {};
    for (int i = 0; i < n; ++i) whole[i] = p[i];
    return load(whole);
  }
  static void store(std::uint16_t* p, V v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(v));
  }
  static void store(std::uint16_t* p, V v, int n) {
    alignas(16) std::uint16_t whole[kWidth];
    store(whole, v);
    for (int i = 0; i < n; ++i) p[i] = whole[i];
  }

  // Two vectors side by side.
  template <typename T>
  static void store_two(T* p, V a, V b) {
    store(p, a);
    store(p + kWidth, b);
  }

  // The even and the odd bf16 of kWidth pairs.
  static V low_halves(const void* p) {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)), 16));
  }
  static V high_halves(const void* p) {
    return _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(static_cast<const __m256i*>(p)),
                                                _mm256_set1_epi32(static_cast<int>(0xffff0000))));
  }

  // Bytes [0, n) of rows of any length; for staging.
  static constexpr std::int64_t kBytes = 32;
  static void copy(const char* from, char* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static void copy_tail(const char* from, char* to, std::int64_t n) {  // 0 < n < kBytes, even
    if (n & 16) from = moved<__m128i>(from, to);
    if (n & 8) from = moved<std::uint64_t>(from, to);
    if (n & 4) from = moved<std::uint32_t>(from, to);
    if (n & 2) from = moved<std::uint16_t>(from, to);
  }

 private:
  // Copies one T and moves both pointers past it.
  template <typename T>
  static const char* moved(const char* from, char*& to) {
    __builtin_memcpy(to, from, sizeof(T));
    to += sizeof(T);
    return from + sizeof(T);
  }
  static __m256i mask(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static V widen(__m128i bits) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static __m128i narrow(V v) {
    // Round to nearest, ties to even, on the bits; a NaN stays one.
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    const __m256i kept = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(kept), _mm256_extracti128_si256(kept, 1));
  }
};

}  // namespace
}  // namespace batchtune::kernels

// Functions of one f32, written so that the compiler turns loops over them into vectors of the
// including file's instruction set: no branches, no calls, no tables. Good to some units in the
// last place over all of f32, with the infinities and NaN of the C library. Internal linkage (an
// island). Polynomials: Cephes (expf, logf, tanhf, erff); erfc: Numerical Recipes, 6.2.
#pragma once

#include <cstdint>

namespace batchtune::kernels::tensor {
namespace {

constexpr float kInfinity = __builtin_inff();

inline float float_of(std::uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}

// e^r - 1 for |r| <= ln(2) / 2.
inline float exp_less_one(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

struct Reduced {
  float rest;          // x - n ln 2, within ln(2) / 2
  std::int32_t whole;  // n
};
inline Reduced reduced(float x) {
  // Beyond these ends the result is 0 or infinite all the same; NaN passes.
  x = x < -105.0f ? -105.0f : x;
  x = x > 90.0f ? 90.0f : x;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float n = (x * 1.44269504f + kRound) - kRound;
  float rest = x - n * 0.693359375f;
  rest = rest + n * 2.12194440e-4f;
  return {rest, static_cast<std::int32_t>(n)};
}

inline float power_of_two(std::int32_t n) {  // n in [-126, 127]
  return float_of(static_cast<std::uint32_t>(n + 127) << 23);
}

inline float exp_of(float x) {
  const Reduced r = reduced(x);
  const std::int32_t half = r.whole >> 1;  // in two steps: the result may be denormal or infinite
  return (exp_less_one(r.rest) + 1.0f) * power_of_two(half) * power_of_two(r.whole - half);
}

inline float expm1_of(float x) {
  const float small = exp_less_one(x), large = exp_of(x) - 1.0f;
  return __builtin_fabsf(x) < 0.34f ? small : large;
}

inline float log_of(float x) {
  const bool denormal = x < 1.17549435e-38f;
  const float scaled = denormal ? x * 8388608.0f : x;
  const auto bits = __builtin_bit_cast(std::uint32_t, scaled);
  float exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23) - 126);
  exponent = denormal ? exponent - 23.0f : exponent;
  float m = float_of((bits & 0x7fffffu) | 0x3f000000u);  // [0.5, 1)
  const bool lower = m < 0.707106781f;
  exponent = lower ? exponent - 1.0f : exponent;
  m = lower ? m + m - 1.0f : m - 1.0f;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float square = m * m;
  float y = p * m * square;
  y = y - exponent * 2.12194440e-4f;
  y = y - 0.5f * square;
  float result = m + y + exponent * 0.693359375f;
  result = x > 0.0f ? result : __builtin_nanf("");
  result = x == 0.0f ? -kInfinity : result;
  return x == kInfinity ? kInfinity : result;
}

inline float sigmoid_of(float x) {
  return 1.0f / (1.0f + exp_of(-x));
}

inline float tanh_of(float x) {
  const float a = __builtin_fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = p * z * x + x;
  const float large = __builtin_copysignf(1.0f - 2.0f / (exp_of(2.0f * a) + 1.0f), x);
  return a < 0.625f ? small : large;  // NaN: the large one, a NaN
}

// erfc(a) for a >= 0, with a relative error of about 1e-6 however small it is.
inline float erfc_of_positive(float a) {
  const float t = 1.0f / (1.0f + 0.5f * a);
  float p = 0.17087277f;
  p = p * t - 0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t - 1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t - 0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t - 1.26551223f;
  return t * exp_of(p - a * a);
}

inline float erf_of(float x) {
  const float a = __builtin_fabsf(x), z = x * x;
  float p = 7.853861353153693e-5f;
  p = p * z - 8.010193625184903e-4f;
  p = p * z + 5.188327685732524e-3f;
  p = p * z - 2.685381193529856e-2f;
  p = p * z + 1.128358514861418e-1f;
  p = p * z - 3.761262582423300e-1f;
  p = p * z + 1.128379165726710f;
  const float large = __builtin_copysignf(1.0f - erfc_of_positive(a), x);
  return a < 1.0f ? p * x : large;
}

inline float gelu_of(float x) {  // x erfc(-x / sqrt 2) / 2: without cancellation on the left
  const float tail = 0.5f * erfc_of_positive(__builtin_fabsf(x) * 0.707106781f);
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

inline float gelu_tanh_of(float x) {
  const float inner = x + 0.044715f * x * x * x;
  return x / (1.0f + exp_of(-1.5957691216f * inner));  // 2 sqrt(2 / pi)
}

inline float softplus_of(float x) {  // log(1 + e^x)
  const float e = exp_of(-__builtin_fabsf(x)), sum = 1.0f + e;
  // What rounding the sum lost is made up for by the quotient (Kahan's log1p).
  const float log1p = sum == 1.0f ? e : log_of(sum) * (e / (sum - 1.0f));
  return (x > 0.0f ? x : 0.0f) + log1p;
}

inline float mish_of(
    float x) {  // x tanh(softplus(x)), and tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2)
  const float e = exp_of(x > 20.0f ? 20.0f : x);
  const float y = e * (e + 2.0f);
  return x * (y / (y + 2.0f));
}

inline float hard_sigmoid_of(float x, float alpha, float beta) {
  const float y = alpha * x + beta;
  const float low = y < 0.0f ? 0.0f : y;
  return low > 1.0f ? 1.0f : low;
}

inline float smaller(float a, float b) {  // NaN wins
  return a < b || a != a ? a : b;
}
inline float larger(float a, float b) {
  return a > b || a != a ? a : b;
}

}  // namespace
}  // namespace batchtune::kernels::tensor

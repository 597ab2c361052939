// The slow twins: written to be read, with sums in double.
#include <algorithm>
#include <cmath>

#include "kernels/norm/rows.h"
#include "kernels/storage.h"

namespace batchtune::kernels::reference {
namespace {

template <typename E>
void softmax_row(const void* in, std::int64_t n, float scale, void* out) {
  const E* x = static_cast<const E*>(in);
  E* y = static_cast<E*>(out);
  float largest = value_of(x[0]) * scale;
  for (std::int64_t i = 1; i < n; ++i) largest = std::max(largest, value_of(x[i]) * scale);
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    sum += std::exp(static_cast<double>(value_of(x[i]) * scale - largest));
  for (std::int64_t i = 0; i < n; ++i) {
    put(y[i],
        static_cast<float>(std::exp(static_cast<double>(value_of(x[i]) * scale - largest)) / sum));
  }
}

template <typename E>
void layer_norm_row(const void* in, std::int64_t n, float epsilon, const float* gain,
                    const float* bias, void* out) {
  const E* x = static_cast<const E*>(in);
  E* y = static_cast<E*>(out);
  double mean = 0, variance = 0;
  for (std::int64_t i = 0; i < n; ++i) mean += static_cast<double>(value_of(x[i]));
  mean /= static_cast<double>(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(value_of(x[i])) - mean;
    variance += d * d;
  }
  variance /= static_cast<double>(n);
  const double factor = 1 / std::sqrt(variance + static_cast<double>(epsilon));
  for (std::int64_t i = 0; i < n; ++i) {
    const double normal = (static_cast<double>(value_of(x[i])) - mean) * factor;
    put(y[i],
        static_cast<float>(normal * static_cast<double>(gain[i]) + static_cast<double>(bias[i])));
  }
}

template <typename E>
void rms_norm_row(const void* in, std::int64_t n, float epsilon, const float* gain, void* out) {
  const E* x = static_cast<const E*>(in);
  E* y = static_cast<E*>(out);
  double squares = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double value = static_cast<double>(value_of(x[i]));
    squares += value * value;
  }
  const double factor =
      1 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(epsilon));
  for (std::int64_t i = 0; i < n; ++i) {
    put(y[i], static_cast<float>(static_cast<double>(value_of(x[i])) * factor *
                                 static_cast<double>(gain[i])));
  }
}

}  // namespace

void softmax_f32(const void* in, std::int64_t n, float scale, void* out) {
  softmax_row<float>(in, n, scale, out);
}
void softmax_bf16(const void* in, std::int64_t n, float scale, void* out) {
  softmax_row<Bfloat16>(in, n, scale, out);
}

void layer_norm_f32(const void* in, std::int64_t n, float epsilon, const float* gain,
                    const float* bias, void* out) {
  layer_norm_row<float>(in, n, epsilon, gain, bias, out);
}
void layer_norm_bf16(const void* in, std::int64_t n, float epsilon, const float* gain,
                     const float* bias, void* out) {
  layer_norm_row<Bfloat16>(in, n, epsilon, gain, bias, out);
}

void rms_norm_f32(const void* in, std::int64_t n, float epsilon, const float* gain, void* out) {
  rms_norm_row<float>(in, n, epsilon, gain, out);
}
void rms_norm_bf16(const void* in, std::int64_t n, float epsilon, const float* gain, void* out) {
  rms_norm_row<Bfloat16>(in, n, epsilon, gain, out);
}

}  // namespace batchtune::kernels::reference

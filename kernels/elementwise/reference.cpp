// The slow twins: written to be read.
#include <algorithm>
#include <cmath>

#include "kernels/elementwise/loops.h"
#include "kernels/storage.h"

namespace batchtune::kernels::reference {
namespace {

float activated(Activation activation, float x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return std::max(x, 0.0f);
    case Activation::relu6:
      return std::clamp(x, 0.0f, 6.0f);
    case Activation::gelu_tanh: {
      const float inner = 0.7978845608f * (x + 0.044715f * x * x * x);  // sqrt(2 / pi)
      return 0.5f * x * (1 + std::tanh(inner));
    }
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu_erf: {
      constexpr double kRootHalf = 0.70710678118654752;
      const double wide = x;  // at minus infinity the product below is 0 x infinity
      return std::isinf(x) ? std::max(x, 0.0f)
                           : static_cast<float>(0.5 * wide * std::erfc(-kRootHalf * wide));
    }
  }
  return x;
}

template <typename E>
void activate_as(Activation activation, const void* in, std::int64_t n, void* out) {
  const E* x = static_cast<const E*>(in);
  E* y = static_cast<E*>(out);
  for (std::int64_t i = 0; i < n; ++i) put(y[i], activated(activation, value_of(x[i])));
}

template <typename E>
void multiply_as(Activation activation, const void* a, const void* b, std::int64_t n, void* out) {
  const E* x = static_cast<const E*>(a);
  const E* z = static_cast<const E*>(b);
  E* y = static_cast<E*>(out);
  for (std::int64_t i = 0; i < n; ++i)
    put(y[i], activated(activation, value_of(x[i])) * value_of(z[i]));
}

template <typename E>
void sum_rows_as(const void* const* rows, int count, std::int64_t n, void* out) {
  E* y = static_cast<E*>(out);
  for (std::int64_t i = 0; i < n; ++i) {
    float sum = 0;
    for (int row = 0; row < count; ++row) sum += value_of(static_cast<const E*>(rows[row])[i]);
    put(y[i], sum);
  }
}

}  // namespace

void activate_f32(Activation activation, const void* in, std::int64_t n, void* out) {
  activate_as<float>(activation, in, n, out);
}
void activate_bf16(Activation activation, const void* in, std::int64_t n, void* out) {
  activate_as<Bfloat16>(activation, in, n, out);
}

void multiply_f32(Activation activation, const void* a, const void* b, std::int64_t n, void* out) {
  multiply_as<float>(activation, a, b, n, out);
}
void multiply_bf16(Activation activation, const void* a, const void* b, std::int64_t n, void* out) {
  multiply_as<Bfloat16>(activation, a, b, n, out);
}

void sum_rows_f32(const void* const* rows, int count, std::int64_t n, void* out) {
  sum_rows_as<float>(rows, count, n, out);
}
void sum_rows_bf16(const void* const* rows, int count, std::int64_t n, void* out) {
  sum_rows_as<Bfloat16>(rows, count, n, out);
}

}  // namespace batchtune::kernels::reference

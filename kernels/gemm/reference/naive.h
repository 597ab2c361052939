// The definitions that fast code is held against: loops as in a textbook, written to be read.
// They share nothing with the kernels: no packing, no blocking, no tiles.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/dtype.h"
#include "kernels/epilogue.h"

namespace batchtune::kernels::reference {

inline float load(const void* data, std::int64_t index, Dtype dtype) {
  return dtype == Dtype::f32 ? static_cast<const float*>(data)[index]
                             : to_float(static_cast<const Bfloat16*>(data)[index]);
}

inline void store(void* data, std::int64_t index, Dtype dtype, float value) {
  if (dtype == Dtype::f32) {
    static_cast<float*>(data)[index] = value;
  } else {
    static_cast<Bfloat16*>(data)[index] = to_bfloat16(value);
  }
}

// A weight as a kernel of `dtype` sees it.
inline float as_stored(float value, Dtype dtype) {
  return dtype == Dtype::f32 ? value : to_float(to_bfloat16(value));
}

inline float activate(float x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x > 0.0f ? x : 0.0f;
    case Activation::relu6:
      return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
    case Activation::gelu_tanh:
      return x / (1.0f + std::exp(-1.5957691216f * (x + 0.044715f * x * x * x)));
    case Activation::silu:
      return x / (1.0f + std::exp(-x));
    case Activation::gelu_erf:
      return 0.5f * x * std::erfc(-0.70710678f * x);
  }
  return x;
}

// Stores epilogue(sum) of row `row`, column `column` into `c` at `index`.
inline void finish(float sum, std::int64_t row, std::int64_t column, const Epilogue& epilogue,
                   void* c, std::int64_t index) {
  float value = sum * epilogue.scale;
  if (epilogue.bias != nullptr) value += epilogue.bias[column];
  const float other =
      epilogue.residual == nullptr
          ? 0.0f
          : load(epilogue.residual, row * epilogue.residual_stride + column, epilogue.output);
  if (epilogue.residual_at == ResidualAt::before_activation) {
    value = activate(value + other, epilogue.activation);
  } else {
    value = activate(value, epilogue.activation) + other;
  }
  store(c, index, epilogue.output, value);
}

// C = epilogue(A x W), W row-major f32 [K,N], everything else as in Gemm.
inline void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Dtype dtype, const void* a,
                 std::int64_t a_stride, const float* w, void* c, std::int64_t c_stride,
                 const Epilogue& epilogue) {
  for (std::int64_t row = 0; row < m; ++row) {
    for (std::int64_t column = 0; column < n; ++column) {
      float sum = 0.0f;
      for (std::int64_t i = 0; i < k; ++i) {
        sum += load(a, row * a_stride + i, dtype) * as_stored(w[i * n + column], dtype);
      }
      finish(sum, row, column, epilogue, c, row * c_stride + column);
    }
  }
}

}  // namespace batchtune::kernels::reference

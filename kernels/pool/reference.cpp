// The slow twins: written to be read.
#include <algorithm>

#include "kernels/pool/windows.h"
#include "kernels/storage.h"

namespace batchtune::kernels::reference {
namespace {

template <typename E>
float pixel_of(const PoolWindow& window, std::int64_t row, std::int64_t column,
               std::int64_t channel) {
  const E* first = static_cast<const E*>(window.first);
  return value_of(first[row * window.row_stride + column * window.channels + channel]);
}

template <typename E>
void largest(const PoolWindow& window, void* out) {
  for (std::int64_t c = 0; c < window.channels; ++c) {
    float value = pixel_of<E>(window, 0, 0, c);
    for (std::int64_t row = 0; row < window.rows; ++row) {
      for (std::int64_t column = 0; column < window.columns; ++column) {
        value = std::max(value, pixel_of<E>(window, row, column, c));
      }
    }
    put(static_cast<E*>(out)[c], value);
  }
}

template <typename E>
void scaled_sum(const PoolWindow& window, float scale, void* out) {
  for (std::int64_t c = 0; c < window.channels; ++c) {
    float sum = 0;
    for (std::int64_t row = 0; row < window.rows; ++row) {
      for (std::int64_t column = 0; column < window.columns; ++column) {
        sum += pixel_of<E>(window, row, column, c);
      }
    }
    put(static_cast<E*>(out)[c], sum * scale);
  }
}

}  // namespace

void largest_f32(const PoolWindow& window, void* out) {
  largest<float>(window, out);
}
void largest_bf16(const PoolWindow& window, void* out) {
  largest<Bfloat16>(window, out);
}

void scaled_sum_f32(const PoolWindow& window, float scale, void* out) {
  scaled_sum<float>(window, scale, out);
}
void scaled_sum_bf16(const PoolWindow& window, float scale, void* out) {
  scaled_sum<Bfloat16>(window, scale, out);
}

}  // namespace batchtune::kernels::reference

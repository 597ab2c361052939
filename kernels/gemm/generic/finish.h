// Epilogue and staging, written once over the Simd of the including file. Internal linkage.
#pragma once

#include <cstdint>

#include "kernels/gemm/kernel.h"
#include "kernels/simd/activation.h"

namespace batchtune::kernels {
namespace {

// One vector of an output row: `count` elements (the whole vector or its beginning).
template <typename S, Activation activation, typename Stored>
[[gnu::always_inline]] inline void finish_vector(typename S::V sum, const float* bias,
                                                 const Stored* residual, bool residual_first,
                                                 Stored* output, int count) {
  const bool whole = count >= S::kWidth;
  if (bias != nullptr) sum = S::add(sum, whole ? S::load(bias) : S::load(bias, count));
  if (residual == nullptr) {
    sum = activate<S, activation>(sum);
  } else {
    const typename S::V other = whole ? S::load(residual) : S::load(residual, count);
    sum = residual_first ? activate<S, activation>(S::add(sum, other))
                         : S::add(activate<S, activation>(sum), other);
  }
  if (whole) {
    S::store(output, sum);
  } else {
    S::store(output, sum, count);
  }
}

// Rows [begin, end) of a tile of whole panels.
template <typename S, Activation activation, typename Stored>
void finish_whole_rows(const Tile& tile, int begin, int end) {
  using V = typename S::V;
  const V scale = S::all(tile.scale);
  const V bias = tile.bias == nullptr ? S::zero() : S::load(tile.bias);
  const V next_bias = tile.bias == nullptr ? S::zero() : S::load(tile.bias + S::kWidth);
  const bool residual_first = tile.residual_at == ResidualAt::before_activation;
  const float* sums = tile.sums + begin * 2 * S::kWidth;
  char* output = static_cast<char*>(tile.output) + begin * tile.output_stride;
  const char* residual = static_cast<const char*>(tile.residual) + begin * tile.residual_stride;
  for (int row = begin; row < end; ++row) {
    V a = S::fma(S::load(sums), scale, bias);
    V b = S::fma(S::load(sums + S::kWidth), scale, next_bias);
    if (tile.residual == nullptr) {
      a = activate<S, activation>(a);
      b = activate<S, activation>(b);
    } else {
      const auto* other = reinterpret_cast<const Stored*>(residual);
      const V with_a = S::load(other), with_b = S::load(other + S::kWidth);
      a = residual_first ? activate<S, activation>(S::add(a, with_a))
                         : S::add(activate<S, activation>(a), with_a);
      b = residual_first ? activate<S, activation>(S::add(b, with_b))
                         : S::add(activate<S, activation>(b), with_b);
    }
    S::store_two(reinterpret_cast<Stored*>(output), a, b);
    sums += 2 * S::kWidth;
    output += tile.output_stride;
    residual += tile.residual_stride;
  }
}

// Rows [begin, end) of a tile.
template <typename S, Activation activation, typename Stored>
void finish_rows(const Tile& tile, int nr, int begin, int end) {
  if (tile.columns == nr) return finish_whole_rows<S, activation, Stored>(tile, begin, end);
  const typename S::V scale = S::all(tile.scale);
  const bool residual_first = tile.residual_at == ResidualAt::before_activation;
  for (int row = begin; row < end; ++row) {
    const float* sums = tile.sums + row * nr;
    auto* output =
        reinterpret_cast<Stored*>(static_cast<char*>(tile.output) + row * tile.output_stride);
    const auto* residual = reinterpret_cast<const Stored*>(static_cast<const char*>(tile.residual) +
                                                           row * tile.residual_stride);
    for (int column = 0; column < tile.columns; column += S::kWidth) {
      finish_vector<S, activation, Stored>(S::mul(scale, S::load(sums + column)),
                                           tile.bias == nullptr ? nullptr : tile.bias + column,
                                           tile.residual == nullptr ? nullptr : residual + column,
                                           residual_first, output + column, tile.columns - column);
    }
  }
}

template <typename S, typename Stored>
void finish_as(const Tile& tile, int nr, int begin, int end) {
  switch (tile.activation) {
    case Activation::none:
      return finish_rows<S, Activation::none, Stored>(tile, nr, begin, end);
    case Activation::relu:
      return finish_rows<S, Activation::relu, Stored>(tile, nr, begin, end);
    case Activation::relu6:
      return finish_rows<S, Activation::relu6, Stored>(tile, nr, begin, end);
    case Activation::gelu_tanh:
      return finish_rows<S, Activation::gelu_tanh, Stored>(tile, nr, begin, end);
    case Activation::silu:
      return finish_rows<S, Activation::silu, Stored>(tile, nr, begin, end);
    case Activation::gelu_erf:
      return finish_rows<S, Activation::gelu_erf, Stored>(tile, nr, begin, end);
  }
}

template <typename S>
void finish_some(const Tile& tile, int begin, int end) {
  constexpr int kPanel = 2 * S::kWidth;
  if (tile.stored == Dtype::f32) {
    finish_as<S, float>(tile, kPanel, begin, end);
  } else {
    finish_as<S, std::uint16_t>(tile, kPanel, begin, end);
  }
}

template <typename S>
void finish(const Tile& tile) {
  finish_some<S>(tile, 0, tile.rows);
}

// Rows of `count` elements of `Size` bytes, moved as they are.
template <typename S, int Size>
void stage_copy(const void* from, std::int64_t from_stride, void* to, std::int64_t to_stride,
                std::int64_t rows, std::int64_t count) {
  const std::int64_t bytes = count * Size;
  const std::int64_t whole = bytes / S::kBytes * S::kBytes;
  for (std::int64_t row = 0; row < rows; ++row) {
    const char* source = static_cast<const char*>(from) + row * from_stride;
    char* target = static_cast<char*>(to) + row * to_stride;
    for (std::int64_t at = 0; at < whole; at += S::kBytes) S::copy(source + at, target + at);
    if (whole < bytes) S::copy_tail(source + whole, target + whole, bytes - whole);
  }
}

// Rows of `count` bf16, widened to f32.
template <typename S>
void stage_widen(const void* from, std::int64_t from_stride, void* to, std::int64_t to_stride,
                 std::int64_t rows, std::int64_t count) {
  const std::int64_t whole = count / S::kWidth * S::kWidth;
  const int rest = static_cast<int>(count - whole);
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* source =
        reinterpret_cast<const std::uint16_t*>(static_cast<const char*>(from) + row * from_stride);
    auto* target = reinterpret_cast<float*>(static_cast<char*>(to) + row * to_stride);
    for (std::int64_t at = 0; at < whole; at += S::kWidth) {
      S::store(target + at, S::load(source + at));
    }
    if (rest > 0) S::store(target + whole, S::load(source + whole, rest), rest);
  }
}

}  // namespace
}  // namespace batchtune::kernels

// Operations that only move elements: concatenation, slices and transposition. They know the size
// of an element, not its type, and copy bit for bit. Inputs and output must not overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/arena.h"

namespace batchtune::kernels {

// A tensor seen as rows: everything before the axis is rows, the axis and what follows is the
// length.
struct ConcatInput {
  const void* data = nullptr;
  std::int64_t row_bytes = 0;
};
// out's rows are the inputs' rows one after the other.
void concat(std::span<const ConcatInput> inputs, std::int64_t rows, void* out, Team& team);

// Bytes [begin, end) of each row.
void slice(const void* in, std::int64_t rows, std::int64_t row_bytes, std::int64_t begin,
           std::int64_t end, void* out, Team& team);

inline constexpr int kMaxTransposeDims = 5;  // of a sample; the batch stays in front

// Each sample is a tensor of `dims`, row-major; the output's dimension i is the input's
// permutation[i]. Fast where the last dimension stays (rows are copied) and where the last two are
// exchanged with one of them small (channel shuffle: groups and channels per group of each pixel).
void transpose(std::span<const std::int64_t> dims, std::span<const std::int64_t> permutation,
               std::int64_t samples, std::size_t element_bytes, const void* in, void* out,
               Team& team);

}  // namespace batchtune::kernels

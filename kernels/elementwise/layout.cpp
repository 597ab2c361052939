#include "kernels/elementwise/layout.h"

#include <array>
#include <cassert>
#include <cstring>

#include "kernels/split.h"

namespace batchtune::kernels {
namespace {

// Elements of a block that is transposed in one go: it must stay in the first-level cache.
constexpr std::int64_t kLargestExchange = 4096;

// Axes of the output in order, outermost first: how many, and how far apart in the input
// (elements). Axes of size 1 are gone, and axes that lie in the input as they do in the output are
// one.
struct Walk {
  std::array<std::int64_t, kMaxTransposeDims + 1> size{};
  std::array<std::int64_t, kMaxTransposeDims + 1> stride{};
  int axes = 0;

  void append(std::int64_t count, std::int64_t distance) {
    if (count == 1) return;
    const auto last = static_cast<std::size_t>(axes - 1);
    if (axes > 0 && stride[last] == count * distance) {
      size[last] *= count;
      stride[last] = distance;
      return;
    }
    size[static_cast<std::size_t>(axes)] = count;
    stride[static_cast<std::size_t>(axes)] = distance;
    ++axes;
  }
};

Walk walk_of(std::span<const std::int64_t> dims, std::span<const std::int64_t> permutation,
             std::int64_t samples) {
  std::array<std::int64_t, kMaxTransposeDims> stride{};
  std::int64_t elements = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    stride[i] = elements;
    elements *= dims[i];
  }
  Walk walk;
  walk.append(samples, elements);
  for (const std::int64_t from : permutation) {
    walk.append(dims[static_cast<std::size_t>(from)], stride[static_cast<std::size_t>(from)]);
  }
  return walk;
}

// Where the input of the output's block `index` begins, for blocks inside the first `axes` axes.
std::int64_t offset_of(const Walk& walk, int axes, std::int64_t index) {
  std::int64_t offset = 0;
  for (int i = axes; i-- > 0;) {
    const auto axis = static_cast<std::size_t>(i);
    offset += index % walk.size[axis] * walk.stride[axis];
    index /= walk.size[axis];
  }
  return offset;
}

std::int64_t blocks_of(const Walk& walk, int axes) {
  std::int64_t blocks = 1;
  for (int i = 0; i < axes; ++i) blocks *= walk.size[static_cast<std::size_t>(i)];
  return blocks;
}

// out[j][i] = in[i][j]. Two groups are what networks use; the compiler unpacks registers there.
template <typename T>
void exchange(const T* __restrict in, std::int64_t groups, std::int64_t each, T* __restrict out) {
  if (groups == 2) {
    const T* second = in + each;
    for (std::int64_t j = 0; j < each; ++j) {
      out[2 * j] = in[j];
      out[2 * j + 1] = second[j];
    }
    return;
  }
  for (std::int64_t j = 0; j < each; ++j) {
    for (std::int64_t i = 0; i < groups; ++i) out[j * groups + i] = in[i * each + j];
  }
}

template <typename T>
void transpose_as(const Walk& walk, const T* in, T* out, Team& team) {
  const auto last = static_cast<std::size_t>(walk.axes - 1);
  const std::int64_t n = walk.size[last], distance = walk.stride[last];
  constexpr std::int64_t kMoved = 2 * static_cast<std::int64_t>(sizeof(T));  // read and written
  // The last two axes exchanged: the axis before walks the elements that lie together in the input.
  const bool exchanged = walk.axes >= 2 && walk.stride[last - 1] == 1 &&
                         walk.size[last - 1] == distance && n * distance <= kLargestExchange;
  if (exchanged) {
    const std::int64_t each = distance, block = n * each;
    const int outer = walk.axes - 2;
    split_rows(team, blocks_of(walk, outer), block * kMoved,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   exchange(in + offset_of(walk, outer, i), n, each, out + i * block);
                 }
               });
    return;
  }
  const int outer = walk.axes - 1;
  split_rows(team, blocks_of(walk, outer), n * kMoved, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* from = in + offset_of(walk, outer, i);
      T* to = out + i * n;
      if (distance == 1) {
        std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
      } else {
        for (std::int64_t j = 0; j < n; ++j) to[j] = from[j * distance];
      }
    }
  });
}

}  // namespace

void concat(std::span<const ConcatInput> inputs, std::int64_t rows, void* out, Team& team) {
  std::int64_t row_bytes = 0;
  for (const ConcatInput& input : inputs) row_bytes += input.row_bytes;
  split_rows(team, rows, 2 * row_bytes, [&](std::int64_t begin, std::int64_t end) {
    auto* to = static_cast<std::byte*>(out) + begin * row_bytes;
    for (std::int64_t row = begin; row < end; ++row) {
      for (const ConcatInput& input : inputs) {
        std::memcpy(to, static_cast<const std::byte*>(input.data) + row * input.row_bytes,
                    static_cast<std::size_t>(input.row_bytes));
        to += input.row_bytes;
      }
    }
  });
}

void slice(const void* in, std::int64_t rows, std::int64_t row_bytes, std::int64_t begin,
           std::int64_t end, void* out, Team& team) {
  const std::int64_t kept = end - begin;
  split_rows(team, rows, 2 * kept, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      std::memcpy(static_cast<std::byte*>(out) + row * kept,
                  static_cast<const std::byte*>(in) + row * row_bytes + begin,
                  static_cast<std::size_t>(kept));
    }
  });
}

void transpose(std::span<const std::int64_t> dims, std::span<const std::int64_t> permutation,
               std::int64_t samples, std::size_t element_bytes, const void* in, void* out,
               Team& team) {
  assert(dims.size() == permutation.size() && dims.size() <= kMaxTransposeDims);
  assert(element_bytes == 2 || element_bytes == 4);
  Walk walk = walk_of(dims, permutation, samples);
  if (blocks_of(walk, walk.axes) == 0) return;
  if (walk.axes == 0) {  // one element
    walk.size[0] = walk.stride[0] = 1;
    walk.axes = 1;
  }
  if (element_bytes == 4) {
    transpose_as(walk, static_cast<const std::uint32_t*>(in), static_cast<std::uint32_t*>(out),
                 team);
  } else {
    transpose_as(walk, static_cast<const std::uint16_t*>(in), static_cast<std::uint16_t*>(out),
                 team);
  }
}

}  // namespace batchtune::kernels

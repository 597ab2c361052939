#include "kernels/tensor/moves.h"

#include <cstring>
#include <type_traits>

#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// ---- along runs ----

template <typename T>
void copy_run(const T* from, std::int64_t distance, std::int64_t n, T* to) {
  if (distance == 1) {
    if (n < 16) {  // shorter than the call
      for (std::int64_t j = 0; j < n; ++j) to[j] = from[j];
    } else {
      std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
    }
  } else if (distance == 0) {
    std::fill_n(to, n, *from);
  } else {
    for (std::int64_t j = 0; j < n; ++j) to[j] = from[j * distance];
  }
}

template <typename T>
void copy_runs(const Context& context, const Walk<1>& walk, const T* in, T* out) {
  const std::int64_t distance = walk.inner_stride()[0];
  split_rows(context.team, walk.elements, 2 * static_cast<std::int64_t>(sizeof(T)),
             [&](std::int64_t begin, std::int64_t end) {
               for_runs(walk, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t n) {
                 copy_run(in + offset[0], distance, n, out + i);
               });
             });
}

// ---- two axes exchanged: tiles that stay in the first-level cache ----

constexpr std::int64_t kTile = 16;
constexpr std::int64_t kBand = 64 * kTile;  // rows of a chunk
using FourWords = std::uint32_t __attribute__((vector_size(16)));

FourWords load_words(const std::uint32_t* from) {
  FourWords words;
  std::memcpy(&words, from, sizeof words);
  return words;
}

// out[j][i] = in[i][j] of 4 x 4 words, rows that far apart.
void exchange_four(const std::uint32_t* in, std::int64_t in_row, std::uint32_t* out,
                   std::int64_t out_row) {
  const FourWords a = load_words(in), b = load_words(in + in_row);
  const FourWords c = load_words(in + 2 * in_row), d = load_words(in + 3 * in_row);
  const FourWords ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const FourWords ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const FourWords cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const FourWords cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const FourWords rows[] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                            __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                            __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                            __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
  for (int i = 0; i < 4; ++i) std::memcpy(out + i * out_row, &rows[i], sizeof rows[i]);
}

// out[j][i] = in[i][j] for i in [0, rows), j in [0, columns).
template <typename T>
void exchange(const T* in, std::int64_t in_row, std::int64_t rows, std::int64_t columns, T* out,
              std::int64_t out_row) {
  std::int64_t whole_rows = 0, whole_columns = 0;
  if constexpr (std::is_same_v<T, std::uint32_t>) {
    whole_rows = rows / 4 * 4;
    whole_columns = columns / 4 * 4;
    for (std::int64_t i = 0; i < whole_rows; i += 4) {
      for (std::int64_t j = 0; j < whole_columns; j += 4) {
        exchange_four(in + i * in_row + j, in_row, out + j * out_row + i, out_row);
      }
    }
  }
  for (std::int64_t j = 0; j < columns; ++j) {
    const std::int64_t first = j < whole_columns ? whole_rows : 0;
    for (std::int64_t i = first; i < rows; ++i) out[j * out_row + i] = in[i * in_row + j];
  }
}

// The output's last axis is spread over the input, and one further out lies together there: `outer`
// walks the others.
struct Exchange {
  Walk<2> outer;             // of the others: offsets in the input and the output
  std::int64_t columns = 1;  // of the axis whose elements lie together in the input
  std::int64_t rows = 1;     // of the output's last axis
  std::int64_t in_row = 0;   // elements between rows in the input
  std::int64_t out_row = 0;  // elements between columns in the output
};

bool find_exchange(const Walk<1>& walk, Exchange& found) {
  const std::size_t last = walk.axes - 1;
  std::size_t together = walk.axes;
  for (std::size_t axis = 0; axis < last; ++axis) {
    if (walk.stride[axis][0] == 1) together = axis;
  }
  if (together == walk.axes || walk.stride[last][0] <= 1) return false;
  std::array<std::int64_t, kMaxRank> out_stride{};
  std::int64_t elements = 1;
  for (std::size_t axis = walk.axes; axis-- > 0;) {
    out_stride[axis] = elements;
    elements *= walk.size[axis];
  }
  for (std::size_t axis = 0; axis < last; ++axis) {
    if (axis == together) continue;
    found.outer.append(walk.size[axis], {walk.stride[axis][0], out_stride[axis]});
  }
  found.outer.close();
  found.columns = walk.size[together];
  found.rows = walk.size[last];
  found.in_row = walk.stride[last][0];
  found.out_row = out_stride[together];
  return true;
}

// Columns [first, first + columns), rows [begin, end), tile by tile.
template <typename T>
void exchange_tiles(const Exchange& job, const T* in, std::int64_t first, std::int64_t columns,
                    std::int64_t begin, std::int64_t end, T* out) {
  for (std::int64_t row = begin; row < end; row += kTile) {
    exchange(in + first + row * job.in_row, job.in_row, std::min(kTile, end - row), columns,
             out + first * job.out_row + row, job.out_row);
  }
}

template <typename T>
void copy_exchanged(const Context& context, const Exchange& job, const T* in, T* out) {
  const std::int64_t strips = (job.columns + kTile - 1) / kTile;
  const std::int64_t bands = (job.rows + kBand - 1) / kBand;
  const std::int64_t bytes = 2 * static_cast<std::int64_t>(sizeof(T)) * std::min(kBand, job.rows) *
                             std::min(kTile, job.columns);
  const auto piece = [&](std::int64_t index) {
    const std::int64_t first = index % strips * kTile, begin = index / strips % bands * kBand;
    const std::int64_t block = index / (strips * bands);
    for_runs(job.outer, block, block + 1, [&](std::int64_t, const auto& offset, std::int64_t) {
      exchange_tiles(job, in + offset[0], first, std::min(kTile, job.columns - first), begin,
                     std::min(job.rows, begin + kBand), out + offset[1]);
    });
  };
  split_rows(context.team, job.outer.elements * bands * strips, bytes,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t index = begin; index < end; ++index) piece(index);
             });
}

}  // namespace

void copy_walk(const Context& context, const Walk<1>& walk, std::size_t element_bytes,
               const void* in, void* out) {
  if (walk.elements == 0) return;
  with_size(element_bytes, [&](auto tag) {
    using T = decltype(tag);
    const T* from = static_cast<const T*>(in) + walk.base[0];
    Exchange exchanged;
    Walk<1> shifted = walk;
    shifted.base = {};
    if (find_exchange(shifted, exchanged)) {
      copy_exchanged(context, exchanged, from, static_cast<T*>(out));
    } else {
      copy_runs(context, shifted, from, static_cast<T*>(out));
    }
  });
}

}  // namespace batchtune::kernels::tensor

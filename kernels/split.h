// Splits the rows of memory-bound operations into chunks for the team.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/arena.h"

namespace batchtune::kernels {

// Traffic of one chunk: a few microseconds of work, and within a second-level cache.
inline constexpr std::int64_t kChunkBytes = 32 * 1024;

// Calls f(begin, end) for ranges that cover [0, rows), on the team's lanes. `row_bytes`: what a row
// reads and writes. What fits in one chunk stays on the caller.
template <typename F>
void split_rows(Team& team, std::int64_t rows, std::int64_t row_bytes, F&& f) {
  if (rows <= 0) return;
  const std::int64_t per_chunk =
      std::max<std::int64_t>(1, kChunkBytes / std::max<std::int64_t>(1, row_bytes));
  const std::int64_t chunks = (rows + per_chunk - 1) / per_chunk;
  team.for_each(chunks, [&](std::int64_t chunk, int) {
    f(chunk * per_chunk, std::min(rows, (chunk + 1) * per_chunk));
  });
}

}  // namespace batchtune::kernels

// Blocks of one arena, by liveness: those that are never alive together share bytes. What
// memory_plan.h does with a model's tensors, for whoever has blocks of its own.
#pragma once

#include <cstddef>
#include <vector>

#include "tuner/core/units.h"

namespace batchtune {

struct ArenaBlock {
  std::size_t first = 0, last = 0;  // when it is alive, both included, on any clock
  Bytes bytes = 0;                  // at least 0
  Bytes offset = 0;                 // a multiple of kTensorAlignment; set by place_blocks()
};

// Gives every block its place and returns the bytes of the arena; deterministic. The largest are
// placed first (best fit by offset). Sums saturate at the largest Bytes.
Bytes place_blocks(std::vector<ArenaBlock>& blocks);

}  // namespace batchtune

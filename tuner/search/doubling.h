// The strategies themselves; strategies.cpp has the table. Private to tuner/search.
#pragma once

#include <cstdint>
#include <memory>

#include "tuner/search/strategy.h"

namespace batchtune {

// From the roofline seed outwards by doubling, bisection around the best and the knee, then a race
// of the contenders in short interleaved rounds, then memory probes. It draws nothing at random:
// `seed` is unused.
std::unique_ptr<Strategy> make_doubling(const Problem& problem, std::uint64_t seed);

// Every allowed batch (without a list: 1 to twice the seed), a handful of programs at a time, each
// with the same number of rounds; then memory probes. For `measure`.
std::unique_ptr<Strategy> make_exhaustive(const Problem& problem, std::uint64_t seed);

}  // namespace batchtune

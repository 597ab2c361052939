// The strategy by a model of the curve. Private to tuner/search; strategies.cpp has the table.
#pragma once

#include <cstdint>
#include <memory>

#include "tuner/search/strategy.h"

namespace batchtune {

// Looks where the verdict may still change, for as long as it may: a model of the curve (curve.h)
// is fitted to all looks so far; from it follow how likely the recommended batch is wrong, and
// which look, at a new batch or again at known ones, takes most of that away per second
// (prospects.h). `seed` is of the draws.
std::unique_ptr<Strategy> make_adaptive(const Problem& problem, std::uint64_t seed);

}  // namespace batchtune

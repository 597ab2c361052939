// Whether the warm runs of a visit are enough: after another program ran, the first runs find cold
// caches and weights, and are slower by up to 8 %.
#pragma once

#include <span>
#include <vector>

#include "tuner/core/units.h"

namespace batchtune {

inline constexpr double kTransient = 0.01;  // what is within 1 % of the later runs is like them

// How many leading timed runs are still unlike the later ones: for each position in turn, the
// median over visits of log(run / median of the runs after it) beyond kTransient and beyond three
// of its standard errors. 0 where visits have less than two timed runs, or fewer than five visits
// have. `visits`: the timed samples of one program's latest visits.
int transient_runs(std::span<const std::vector<Seconds>> visits);

}  // namespace batchtune

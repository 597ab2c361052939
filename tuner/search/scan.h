// Which batch of a group to look at next: from the seed outwards by doubling and halving, then by
// bisection around the best and around the knee. A pure function of what is known, so that it can
// be asked again whenever the figures have become sharper.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "tuner/core/limits.h"

namespace batchtune {

struct ScanPoint {
  std::int64_t batch = 1;
  double rate = 0;  // samples/s; 0: failed, or breaks a limit
};

struct ScanRange {
  std::int64_t seed = 1;
  std::int64_t smallest = 1;              // always looked at
  std::int64_t largest = 1;               // nothing is asked above (but the smallest)
  std::int64_t cheap = 1;                 // up to here a look costs next to nothing
  bool sparing = false;                   // few batches may be asked for
  std::span<const std::int64_t> allowed;  // ascending; empty: every batch
  Objective objective = Objective::knee;
  double give_up = 0.02;
};

// A doubling that gains less leaves at most as much to all the further ones of a saturating curve.
inline constexpr double kStillGrowing = 0.01;
inline constexpr double kFarBehind = 0.8;  // of the best rate: what lies beyond is not looked at sparingly
inline constexpr double kWorthALook = 0.01;  // possible gain; neighbouring batches differ by 2 %
inline constexpr std::int64_t kBeyond = std::numeric_limits<std::int64_t>::max();

// The largest 1, 2, 3, 4, 6, 8, 12, 16, 24, ... that is not above `batch`: an estimate is no more
// exact than that, kernels' steps are mostly at multiples of these, and users try them too.
// REQUIRES: batch >= 1.
std::int64_t round_batch(std::int64_t batch);

// Line through two points in logarithms, read at a third batch; the best rate that a concave curve
// can have. REQUIRES: both have a rate.
double extended(const ScanPoint& a, const ScanPoint& b, std::int64_t at);

// The next smaller batch on the way down to the smallest: unless the range is sparing it needs no
// rates, so that all of them can share their first rounds. nullopt: all are known (or none is: the
// scan begins with the seed).
std::optional<std::int64_t> next_below(const ScanRange& range, std::span<const ScanPoint> points);

// `points` by ascending batch, all different. nullopt: nothing more is worth a look.
std::optional<std::int64_t> next_batch(const ScanRange& range, std::span<const ScanPoint> points);

}  // namespace batchtune

// Finds the levels of a memory hierarchy in a curve of bandwidth over working set size.
// Pure arithmetic on given points: it knows neither the machine nor what sysfs says of its caches.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace batchtune::probe {

struct BandwidthPoint {
  double bytes = 0;             // working set
  double bytes_per_second = 0;  // > 0
};

// A stretch of the curve that is level. Points are indices into the curve; [first, last].
struct Plateau {
  std::size_t first = 0, last = 0;
  double bytes_per_second = 0;  // upper quartile of its points: an edge point cannot lift it
};

// A point counts with the highest rate seen at its size or at a larger one: what is lower is
// disturbance, since a larger set was read faster. The curve is cut into level stretches and slopes
// between them (least squares on logarithms, dynamic programming, a price per piece); neighbouring
// level stretches that differ by less than kLevelStep are one level. `points` ascend in bytes. From
// fastest to slowest; the last one ends with the curve. Empty for fewer than three points.
std::vector<Plateau> find_plateaus(std::span<const BandwidthPoint> points);

inline constexpr double kLevelStep = 1.25;  // smaller steps are not another memory

}  // namespace batchtune::probe

// The area that a set of points dominates, and what one more would add to it: how multi-objective
// searches value a candidate. Less x and more y are better. Private to tuner/search.
#pragma once

#include <span>
#include <vector>

namespace batchtune::peers {

struct AreaPoint {
  double x = 0, y = 0;
};

// Nothing beyond it counts: the largest x, the least y.
using AreaReference = AreaPoint;

// Area between the reference and the points.
double dominated_area(std::span<const AreaPoint> points, const AreaReference& reference);

// What `added` would add to that.
double added_area(std::span<const AreaPoint> points, const AreaPoint& added,
                  const AreaReference& reference);

}  // namespace batchtune::peers

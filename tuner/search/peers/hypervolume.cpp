// See hypervolume.h.
#include "tuner/search/peers/hypervolume.h"

#include <algorithm>

namespace batchtune::peers {

double dominated_area(std::span<const AreaPoint> points, const AreaReference& reference) {
  std::vector<AreaPoint> inside;
  for (const AreaPoint& point : points)
    if (point.x < reference.x && point.y > reference.y) inside.push_back(point);
  std::sort(inside.begin(), inside.end(),
            [](const AreaPoint& a, const AreaPoint& b) { return a.x < b.x; });
  double area = 0, highest = reference.y;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    highest = std::max(highest, inside[i].y);
    const double end = i + 1 < inside.size() ? inside[i + 1].x : reference.x;
    area += (end - inside[i].x) * (highest - reference.y);
  }
  return area;
}

double added_area(std::span<const AreaPoint> points, const AreaPoint& added,
                  const AreaReference& reference) {
  std::vector<AreaPoint> with(points.begin(), points.end());
  with.push_back(added);
  return dominated_area(with, reference) - dominated_area(points, reference);
}

}  // namespace batchtune::peers

// See shape.h.
#include "tuner/search/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr double kFall = 0.15;    // two short looks at equal batches differ by less
constexpr double kShort = 0.25;   // of the smaller batch
constexpr int kFewestVisits = 3;  // one may have met a neighbour's burst

bool is_short(const ShapePoint& from, const ShapePoint& to) {
  return to.batch - from.batch <=
         std::max<std::int64_t>(
             1, static_cast<std::int64_t>(kShort * static_cast<double>(from.batch)));
}

}  // namespace

std::optional<CurveShape> shape_of(std::span<const ShapePoint> all) {
  std::vector<ShapePoint> points;
  for (const ShapePoint& point : all)
    if (point.visits >= kFewestVisits) points.push_back(point);
  const auto best = std::max_element(
      points.begin(), points.end(),
      [](const ShapePoint& a, const ShapePoint& b) { return a.throughput < b.throughput; });
  if (points.end() - best < 2) return std::nullopt;  // it was still rising
  bool is_coarse = false;
  for (auto from = best, to = best + 1; to != points.end(); ++from, ++to) {
    const double left = from->throughput * (1 - kFall);
    const bool comes_back = std::any_of(
        to, points.end(), [&](const ShapePoint& point) { return point.throughput >= left; });
    if (comes_back) continue;
    if (is_short(*from, *to))
      return CurveShape{BoundaryShape::cliff,
                   fmt::format("batch {} gives {} less than batch {}", to->batch,
                               format_percent(1 - to->throughput / from->throughput), from->batch)};
    is_coarse = true;
  }
  if (is_coarse) return std::nullopt;
  const ShapePoint& last = points.back();
  return CurveShape{BoundaryShape::smooth,
               fmt::format("batch {} gives {} less than batch {}", last.batch,
                           format_percent(1 - last.throughput / best->throughput), best->batch)};
}

}  // namespace batchtune

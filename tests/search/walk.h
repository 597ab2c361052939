// All batches that a scan looks at, in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/search/scan.h"

namespace batchtune {

// `next`: of the points so far, ascending, the next batch. A batch that comes twice fails the test.
inline std::vector<std::int64_t> walk(
    const std::function<std::optional<std::int64_t>(const std::vector<ScanPoint>&)>& next,
    const std::function<double(std::int64_t)>& rate) {
  std::vector<ScanPoint> points;
  std::vector<std::int64_t> order;
  while (const auto batch = next(points)) {
    REQUIRE(std::find(order.begin(), order.end(), *batch) == order.end());
    order.push_back(*batch);
    points.push_back({*batch, rate(*batch)});
    std::sort(points.begin(), points.end(),
              [](const ScanPoint& a, const ScanPoint& b) { return a.batch < b.batch; });
  }
  return order;
}

}  // namespace batchtune

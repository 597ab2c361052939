// See front.h.
#include "tuner/search/front.h"

#include <algorithm>

namespace batchtune {

std::vector<TrialId> pareto_front(std::vector<FrontPoint> points) {
  std::stable_sort(points.begin(), points.end(), [](const FrontPoint& a, const FrontPoint& b) {
    return a.latency != b.latency ? a.latency < b.latency : a.throughput > b.throughput;
  });
  std::vector<TrialId> front;
  double best = -1;
  for (const FrontPoint& point : points) {
    if (point.throughput <= best) continue;
    best = point.throughput;
    front.push_back(point.trial);
  }
  return front;
}

}  // namespace batchtune

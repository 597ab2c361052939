// Pareto front: latency down, throughput up.
#pragma once

#include <vector>

#include "tuner/core/observation.h"

namespace batchtune {

struct FrontPoint {
  TrialId trial = 0;
  Seconds latency = 0;
  double throughput = 0;
};

// Points that no other point beats or equals in one figure while beating it in the other, by
// ascending latency. Of equal points the first stays.
std::vector<TrialId> pareto_front(std::vector<FrontPoint> points);

}  // namespace batchtune

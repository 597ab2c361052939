// How throughput ends towards large batches: slowly or at once. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "tuner/core/trial.h"

namespace batchtune {

struct ShapePoint {
  std::int64_t batch = 1;
  double throughput = 0;
  int visits = 0;
};

struct CurveShape {
  BoundaryShape shape = BoundaryShape::smooth;
  std::string evidence;  // "batch 40 gives 31 % less than batch 32"
};

// Of one group, ascending batches. A cliff: from its best batch on, throughput falls by more than
// 15 % between two batches of which the larger is at most a quarter above the smaller (or by one),
// and does not come back behind them. Smooth: no such fall, and nowhere so coarse a look that one
// could hide in it. nullopt: neither is known.
std::optional<CurveShape> shape_of(std::span<const ShapePoint> points);

}  // namespace batchtune

// A straight line by least squares: memory over batch is one (weights + bytes per sample x batch).
#pragma once

#include <optional>
#include <span>

namespace batchtune {

struct Line {
  double intercept = 0, slope = 0;
  double worst_error = 0;  // largest relative distance of a point from the line

  double at(double x) const { return intercept + slope * x; }
};

// nullopt with fewer than two different x. REQUIRES: as many y as x.
std::optional<Line> fit_line(std::span<const double> x, std::span<const double> y);

}  // namespace batchtune

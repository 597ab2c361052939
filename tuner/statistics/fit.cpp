// Centred sums, so that bytes (1e10) and batches (1) do not cancel.
#include "tuner/statistics/fit.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace batchtune {

std::optional<Line> fit_line(std::span<const double> x, std::span<const double> y) {
  assert(x.size() == y.size());
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double spread = 0, together = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    spread += (x[i] - mean_x) * (x[i] - mean_x);
    together += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (spread == 0) return std::nullopt;
  Line line;
  line.slope = together / spread;
  line.intercept = mean_y - line.slope * mean_x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(y[i] - line.at(x[i])) / std::max(std::abs(y[i]), 1e-300);
    line.worst_error = std::max(line.worst_error, error);
  }
  return line;
}

}  // namespace batchtune

// Robust location of a sample: median and quantiles. The inputs are copied, never reordered.
#pragma once

#include <span>

namespace batchtune {

// Mean of the two middle values when the number is even. REQUIRES: not empty.
double median(std::span<const double> values);

// Linear between order statistics (type 7: quantile 0 is the minimum, 1 the maximum).
// REQUIRES: not empty, 0 <= q <= 1.
double quantile(std::span<const double> values, double q);

}  // namespace batchtune

// Robust location of a sample: median and quantiles. The inputs are copied, never reordered.
#pragma once

#include <span>

namespace batchtune {

// Mean of the two middle values when the number is even. REQUIRES: not empty.
double median(std::span<const double> values);

// Linear between order statistics (type 7: quantile 0 is the minimum, 1 the maximum).
// REQUIRES: not empty, 0 <= q <= 1.
double quantile(std::span<const double> values, double q);

// Standard error of the median by the median absolute deviation, as for a normal distribution.
// REQUIRES: not empty.
double median_error(std::span<const double> values);

}  // namespace batchtune

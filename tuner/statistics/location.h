// Robust location of a sample: median and quantiles. The inputs are copied, never reordered.
#pragma once

#include <cstddef>
#include <span>

namespace batchtune {

// Mean of the two middle values when the number is even. REQUIRES: not empty.
double median(std::span<const double> values);

// Linear between order statistics (type 7: quantile 0 is the minimum, 1 the maximum).
// REQUIRES: not empty, 0 <= q <= 1.
double quantile(std::span<const double> values, double q);

// Mean of the middle half: a quarter is cut off at each end (rounded down; of fewer than 6 values
// the median is left). As precise as the mean on quiet values, and blind to outliers up to a
// quarter on each side. REQUIRES: not empty.
double midmean(std::span<const double> values);
std::size_t cut_off(std::size_t count);  // values that midmean leaves out at each end

inline constexpr double kDeviation = 1.4826;  // standard deviation over median absolute deviation
inline constexpr double kOfMedian = 1.2533;   // standard error of the median over that of the mean

// Standard error of the median by the median absolute deviation, as for a normal distribution.
// REQUIRES: not empty.
double median_error(std::span<const double> values);

}  // namespace batchtune

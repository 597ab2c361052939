// See interval.h. Distributions are Boost.Math's.
#include "tuner/statistics/interval.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "tuner/statistics/correlation.h"
#include "tuner/statistics/location.h"

namespace batchtune {

double student_quantile(double probability, int freedom) {
  return boost::math::quantile(boost::math::students_t_distribution<double>(freedom), probability);
}

double normal_quantile(double probability) {
  return boost::math::quantile(boost::math::normal_distribution<double>(), probability);
}

Interval Location::interval(double confidence) const {
  const double reach = error * student_quantile(0.5 + confidence / 2, freedom);
  return {centre - reach, centre + reach};
}

std::optional<Location> locate(std::span<const double> values) {
  const std::size_t n = values.size();
  if (static_cast<int>(n) < kFewestRounds) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t cut = cut_off(n);
  const double low = sorted[cut], high = sorted[n - 1 - cut];
  std::vector<double> pulled_in;  // winsorised: what was cut off counts as the last one kept
  for (const double value : values) pulled_in.push_back(std::clamp(value, low, high));
  const double mean =
      std::accumulate(pulled_in.begin(), pulled_in.end(), 0.0) / static_cast<double>(n);
  double squares = 0;
  for (const double value : pulled_in) squares += (value - mean) * (value - mean);
  const auto kept = static_cast<double>(n - 2 * cut);
  Location location;
  location.centre = std::accumulate(sorted.begin() + static_cast<std::ptrdiff_t>(cut),
                                    sorted.end() - static_cast<std::ptrdiff_t>(cut), 0.0) /
                    kept;
  location.error = std::sqrt(squares / (kept * (kept - 1)) * variance_inflation(pulled_in));
  location.freedom = static_cast<int>(n - 2 * cut) - 1;
  return location;
}

double quantile_of(LatencyMetric metric) {
  switch (metric) {
    case LatencyMetric::p50:
      return 0.5;
    case LatencyMetric::p90:
      return 0.9;
    case LatencyMetric::p95:
      return 0.95;
    case LatencyMetric::p99:
      return 0.99;
    case LatencyMetric::p99_9:
      return 0.999;
    case LatencyMetric::max:
      return 1;
  }
  return 1;
}

int samples_needed(LatencyMetric metric) {
  if (metric == LatencyMetric::p50 || metric == LatencyMetric::max) return 1;
  const double tail =
      (1 - kConfidence) / 2;  // q^n <= tail: the largest sample may be the upper end
  return static_cast<int>(std::ceil(std::log(tail) / std::log(quantile_of(metric))));
}

}  // namespace batchtune

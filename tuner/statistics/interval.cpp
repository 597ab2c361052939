// The binomial tails behind the intervals (Boost.Math).
#include "tuner/statistics/interval.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "tuner/statistics/correlation.h"
#include "tuner/statistics/location.h"

namespace batchtune {
double binomial_cdf(int n, double q, int k) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return boost::math::cdf(boost::math::binomial_distribution<double>(n, q), k);
}

std::optional<Ranks> quantile_ranks(int n, double q, double confidence) {
  assert(q > 0 && q < 1 && confidence > 0 && confidence < 1);
  if (n < 1) return std::nullopt;
  const double tail = (1 - confidence) / 2;
  const auto fits_low = [&](int rank) { return binomial_cdf(n, q, rank - 1) <= tail; };
  const auto fits_high = [&](int rank) { return binomial_cdf(n, q, rank - 1) >= 1 - tail; };
  if (!fits_low(1) || 1 - std::pow(q, n) < 1 - tail) return std::nullopt;
  Ranks ranks{1, n};
  for (int reach = n; reach > 0; reach /= 2) {  // both conditions are monotone in the rank
    while (ranks.low + reach <= n && fits_low(ranks.low + reach)) ranks.low += reach;
    while (ranks.high - reach >= 1 && fits_high(ranks.high - reach)) ranks.high -= reach;
  }
  return ranks;
}

std::optional<Interval> quantile_interval(std::span<const double> values, double q,
                                          double confidence, int effective) {
  const int n = static_cast<int>(values.size());
  const int worth = effective == 0 ? n : effective;
  assert(worth <= n);
  const auto ranks = quantile_ranks(worth, q, confidence);
  if (!ranks) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double scale = static_cast<double>(n) / static_cast<double>(worth);
  const auto low = static_cast<std::size_t>((ranks->low - 1) * scale);
  const auto high = static_cast<std::size_t>(std::ceil(ranks->high * scale)) - 1;
  return Interval{sorted[low], sorted[std::min(high, sorted.size() - 1)]};
}

int effective_samples(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 3) return static_cast<int>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / n;
  double together = 0, alone = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    alone += (values[i] - mean) * (values[i] - mean);
    if (i > 0) together += (values[i] - mean) * (values[i - 1] - mean);
  }
  // A virtual clock repeats itself to the last bits: rounding is no correlation.
  const double rounding = n * (1e-9 * mean) * (1e-9 * mean);
  const double correlation = alone > rounding ? std::max(together / alone, 0.0) : 0;
  return std::max(1, static_cast<int>(n * (1 - correlation) / (1 + correlation)));
}

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

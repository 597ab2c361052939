// Intervals. Of quantiles: two order statistics that enclose the true quantile with at least the
// wanted confidence (binomial), whatever the shape. Of the midmean: Yuen's t, for values that lie
// symmetrically, as log ratios of visits in random order do. All assume independent samples, so
// correlated ones are counted as fewer first.
#pragma once

#include <optional>
#include <span>

#include "tuner/core/limits.h"
#include "tuner/core/trial.h"

namespace batchtune {

inline constexpr double kConfidence = 0.95;  // of every interval that is reported

// Fewer rounds (or visits) say nothing about an interval.
inline constexpr int kFewestRounds = 6;

struct Ranks {
  int low = 1, high = 1;  // order statistics, from 1
};

// Equal tails: P(low <= Bin(n, q) <= high - 1) >= confidence. nullopt: n is too small for both
// ends.
std::optional<Ranks> quantile_ranks(int n, double q, double confidence = kConfidence);

// Interval of the true quantile q; nullopt when there are too few samples. `effective` (at most the
// number of values, 0: that number) says how many independent samples they are worth.
std::optional<Interval> quantile_interval(std::span<const double> values, double q,
                                          double confidence = kConfidence, int effective = 0);

// A midmean with its standard error. The error is widened where neighbouring values correlate
// beyond chance.
struct Location {
  double centre = 0;
  double error = 0;
  int freedom = 1;  // of Student's t

  Interval interval(double confidence = kConfidence) const;
};
// `values` in the order of time; nullopt below kFewestRounds.
std::optional<Location> locate(std::span<const double> values);

double student_quantile(double probability, int freedom);
double normal_quantile(double probability);

// n (1 - r) / (1 + r), r = autocorrelation of neighbours; never above n, nor below 1 (0 for none).
int effective_samples(std::span<const double> values);

// P(Bin(n, q) <= k): 0 below k = 0, 1 from k = n on.
double binomial_cdf(int n, double q, int k);

double quantile_of(LatencyMetric metric);  // 0.99 for p99; 1 for max

// Fewest samples whose two-sided 95 % interval has both ends: 36, 72, 368 and 3688 for p90, p95,
// p99, p99.9; 1 for p50 and max, which are shown always.
int samples_needed(LatencyMetric metric);

}  // namespace batchtune

// Intervals of the midmean by Yuen's t, for values that lie symmetrically, as log ratios of visits
// in random order do; and from how many samples on a percentile is worth showing.
#pragma once

#include <optional>
#include <span>

#include "tuner/core/limits.h"
#include "tuner/core/trial.h"

namespace batchtune {

inline constexpr double kConfidence = 0.95;  // of every interval that is reported

// Fewer rounds (or visits) say nothing about an interval.
inline constexpr int kFewestRounds = 6;

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

double quantile_of(LatencyMetric metric);  // 0.99 for p99; 1 for max

// Fewest samples whose order statistics enclose the percentile from both sides at 95 %: 36, 72, 368
// and 3688 for p90, p95, p99, p99.9; 1 for p50 and max, which are shown always.
int samples_needed(LatencyMetric metric);

}  // namespace batchtune

// How much less correlated values say than independent ones: along time (neighbouring visits share
// a disturbance) and within visits (so do the runs of one). Both answer a number of values that are
// worth one independent value.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace batchtune {

// Autocorrelation of neighbours; nullopt below 3 values or when nothing varies beyond rounding.
std::optional<double> neighbour_correlation(std::span<const double> values);

// Integrated autocorrelation time of evenly spaced values: the variance of their mean over that of
// independent ones, at least 1 (1 below 8 values, which show none). Summed over lags until pairs of
// lags die out (Geyer), since lag 1 alone misses disturbances that last for many visits.
double integrated_autocorrelation(std::span<const double> series);

// The same, but 1 unless neighbours correlate beyond what independent values show by chance: for
// intervals of independent values, which would be too wide on the average otherwise.
double variance_inflation(std::span<const double> series);

// 1 + (m - 1) x intraclass correlation of values in groups of about m: at least 1.
double design_effect(std::span<const std::vector<double>> groups);

}  // namespace batchtune

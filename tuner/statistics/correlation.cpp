// See correlation.h.
#include "tuner/statistics/correlation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace batchtune {
namespace {

constexpr std::size_t kShortest = 8;  // a shorter series cannot tell correlation from chance

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Sum over i of (x_i - mean) (x_{i+lag} - mean).
double lagged(std::span<const double> values, double mean, std::size_t lag) {
  double sum = 0;
  for (std::size_t i = lag; i < values.size(); ++i)
    sum += (values[i] - mean) * (values[i - lag] - mean);
  return sum;
}

// A virtual clock repeats itself to the last bits: rounding is no variance.
bool is_rounding(double squares, std::size_t count, double mean) {
  return squares <= static_cast<double>(count) * (1e-9 * mean) * (1e-9 * mean);
}

}  // namespace

std::optional<double> neighbour_correlation(std::span<const double> values) {
  if (values.size() < 3) return std::nullopt;
  const double mean = mean_of(values);
  const double alone = lagged(values, mean, 0);
  if (is_rounding(alone, values.size(), mean)) return std::nullopt;
  return lagged(values, mean, 1) / alone;
}

double integrated_autocorrelation(std::span<const double> series) {
  const std::size_t n = series.size();
  if (n < kShortest) return 1;
  const double mean = mean_of(series);
  const double alone = lagged(series, mean, 0);
  if (is_rounding(alone, n, mean)) return 1;
  double time = 1;
  for (std::size_t lag = 1; lag + 1 < n / 2; lag += 2) {
    const double pair = (lagged(series, mean, lag) + lagged(series, mean, lag + 1)) / alone;
    if (pair <= 0) break;
    time += 2 * pair;
  }
  // The mean was taken from the series itself, which hides correlation: to first order the true
  // time is t / (1 - t / n).
  return time / std::max(0.25, 1 - time / static_cast<double>(n));
}

double variance_inflation(std::span<const double> series) {
  constexpr double kErrors = 2;  // of a correlation of independent values: 1 / sqrt(n)
  const double correlation = neighbour_correlation(series).value_or(0);
  const bool by_chance = correlation < kErrors / std::sqrt(static_cast<double>(series.size()));
  return by_chance ? 1 : integrated_autocorrelation(series);
}

double design_effect(std::span<const std::vector<double>> groups) {
  double sum = 0, squares_of_sizes = 0;
  std::size_t count = 0, filled = 0;
  for (const auto& group : groups) {
    for (const double value : group) sum += value;
    count += group.size();
    filled += !group.empty();
    squares_of_sizes += static_cast<double>(group.size()) * static_cast<double>(group.size());
  }
  if (filled < 2 || count <= filled) return 1;
  const auto n = static_cast<double>(count), k = static_cast<double>(filled);
  const double mean = sum / n;
  double between = 0, within = 0;
  for (const auto& group : groups) {
    if (group.empty()) continue;
    const double own = mean_of(group);
    between += static_cast<double>(group.size()) * (own - mean) * (own - mean);
    for (const double value : group) within += (value - own) * (value - own);
  }
  if (is_rounding(between + within, count, mean)) return 1;
  const double typical = (n - squares_of_sizes / n) / (k - 1);  // size of a group
  const double mean_between = between / (k - 1), mean_within = within / (n - k);
  const double total = mean_between + (typical - 1) * mean_within;
  const double correlation = std::max(0.0, (mean_between - mean_within) / total);
  return 1 + (typical - 1) * correlation;
}

}  // namespace batchtune

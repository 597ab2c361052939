// Selection instead of sorting: these run inside resamplings.
#include "tuner/statistics/location.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

namespace batchtune {

double median(std::span<const double> values) {
  return quantile(values, 0.5);
}

double quantile(std::span<const double> values, double q) {
  assert(!values.empty() && q >= 0 && q <= 1);
  std::vector<double> copy(values.begin(), values.end());
  const double position = q * static_cast<double>(copy.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const auto at = copy.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(copy.begin(), at, copy.end());
  const double share = position - static_cast<double>(below);
  if (share == 0) return *at;
  return *at + share * (*std::min_element(at + 1, copy.end()) - *at);
}

std::size_t cut_off(std::size_t count) {
  constexpr std::size_t kFew = 6;
  return count < kFew ? (count - 1) / 2 : count / 4;
}

double midmean(std::span<const double> values) {
  assert(!values.empty());
  std::vector<double> copy(values.begin(), values.end());
  const auto cut = static_cast<std::ptrdiff_t>(cut_off(copy.size()));
  const auto first = copy.begin() + cut, last = copy.end() - cut;
  if (cut > 0) {
    std::nth_element(copy.begin(), first, copy.end());
    std::nth_element(first, last, copy.end());
  }
  return std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
}

double median_error(std::span<const double> values) {
  const double centre = median(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - centre));
  return kDeviation * kOfMedian * median(distances) / std::sqrt(static_cast<double>(values.size()));
}

}  // namespace batchtune

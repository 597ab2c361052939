// See resample.h.
#include "tuner/statistics/resample.h"

#include <numeric>
#include <random>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {

std::vector<int> all_indices(int n) {
  std::vector<int> indices(static_cast<std::size_t>(n));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

std::vector<std::vector<int>> resamplings(int n, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<std::vector<int>> lists(kResamplings, std::vector<int>(static_cast<std::size_t>(n)));
  for (auto& list : lists)
    for (int& index : list) index = static_cast<int>(engine() % static_cast<std::uint64_t>(n));
  return lists;
}

std::optional<Interval> percentile_interval(std::span<const double> replicates) {
  if (replicates.empty()) return std::nullopt;
  const double tail = (1 - kConfidence) / 2;
  return Interval{quantile(replicates, tail), quantile(replicates, 1 - tail)};
}

}  // namespace batchtune

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

std::vector<std::vector<int>> resamplings(int n, std::uint64_t seed, int block) {
  std::mt19937_64 engine(seed);
  std::vector<std::vector<int>> lists(kResamplings, std::vector<int>(static_cast<std::size_t>(n)));
  for (auto& list : lists) {
    int start = 0, filled = 0;
    for (int& index : list) {
      if (filled % block == 0) start = static_cast<int>(engine() % static_cast<std::uint64_t>(n));
      index = (start + filled++ % block) % n;
    }
  }
  return lists;
}

std::optional<Interval> percentile_interval(std::span<const double> replicates) {
  if (replicates.empty()) return std::nullopt;
  const double tail = (1 - kConfidence) / 2;
  return Interval{quantile(replicates, tail), quantile(replicates, 1 - tail)};
}

}  // namespace batchtune

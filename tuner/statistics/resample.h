// Bootstrap resampling of rounds, the same on every platform (std:: distributions are not).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tuner/core/trial.h"

namespace batchtune {

inline constexpr int kResamplings =
    200;  // shares are good to 3 %, 95 % ends to some percent of the width
inline constexpr std::uint64_t kResampleSeed = 1;  // fixed: the same observations conclude the same

std::vector<int> all_indices(int n);  // 0 .. n-1

// kResamplings lists of n indices in [0, n), drawn with replacement: one by one, or `block`
// neighbours at a time (the first follows the last), for rounds that share a disturbance.
// REQUIRES: block >= 1.
std::vector<std::vector<int>> resamplings(int n, std::uint64_t seed = kResampleSeed, int block = 1);

// 2.5th to 97.5th percentile of a statistic's replicates; nullopt when there are none.
std::optional<Interval> percentile_interval(std::span<const double> replicates);

}  // namespace batchtune

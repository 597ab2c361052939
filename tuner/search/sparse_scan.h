// Which batch of a group to look at next when only a few may be: each costs a compilation of
// minutes. The seed, far steps upwards while throughput grows, then the middle of the gap that may
// hide most, all by ratios. Pure functions of what is known, as scan.h is, which has as many looks
// as it likes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tuner/search/scan.h"

namespace batchtune {

// As next_batch(); the smallest batch comes first, since everything is held against it. `left`:
// compilations left, of which the next batch may be one.
std::optional<std::int64_t> next_of_few(const ScanRange& range, std::span<const ScanPoint> points,
                                        int left);

// The rate that a batch is likely to have: latency on a straight line through its neighbours, or
// through the two largest below it. For guesses that cost little where they are wrong.
double likely_rate(const ScanRange& range, std::span<const ScanPoint> points, std::int64_t batch);

// The gap between known points that a batch lies in: batches strictly between low and high.
struct Gap {
  std::int64_t low = 0, high = 0;
};
Gap gap_around(std::span<const ScanPoint> points, std::int64_t batch);

}  // namespace batchtune

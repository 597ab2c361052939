// Whether a latency limit is kept by what was seen. p50 is decided by the order-statistic interval
// of the samples; the other metrics answer `unproven`, since a quantile that far out needs a test
// of its own.
#pragma once

#include <span>

#include "tuner/core/limits.h"

namespace batchtune {

struct LimitFinding {
  LimitVerdict verdict;
  bool over =
      false;  // the quantile of the samples themselves is above the limit (true without samples)
};

// `samples` in the order of measuring, from `visits` visits: each is worth at least one independent
// sample.
LimitFinding judge(const LatencyLimit& limit, std::span<const Seconds> samples, int visits);

}  // namespace batchtune

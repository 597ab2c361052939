// Whether a latency limit on a percentile is kept, with a confidence: the early-stopping rule of
// MLPerf LoadGen (early_stopping.cc; incomplete beta function), and its mirror image for rejection.
// Its samples are independent; runs are not, so they count as fewer (effective number), found from
// how samples of one visit and visits of neighbouring rounds hang together. Disturbed runs count
// like all others: a deployment will meet them. The 99 % are for each look: who asks again after
// every round and stops at the first decision is wrong more often than in 1 % of sessions.
#pragma once

#include <span>
#include <vector>

#include "tuner/core/limits.h"

namespace batchtune {

inline constexpr double kPromiseConfidence = 0.99;

// Fewest independent samples that prove a percentile with `over` of them above the limit: 7, 44,
// 90, 459 for p50, p90, p95, p99 with none over, 64, 130, 662, 6636 (p99.9) with one. `max` is kept
// by as many as p99 needs with none over, and never with one over.
int samples_to_keep(LatencyMetric metric, int over, double confidence = kPromiseConfidence);

// All timed samples of one visit, in order. Visits in the order of time.
using VisitSamples = std::vector<Seconds>;

// metric and limit of the verdict are `limit`'s; `confidence` is that of the decision, or, while
// unproven, the confidence so far that the limit is kept (near 0: it looks broken); `samples` the
// effective number, `runs` and `over` as counted. Without samples: unproven, no confidence.
// The confidence holds for what the session met: a disturbance that never came is in no sample.
LimitVerdict judge(const LatencyLimit& limit, std::span<const VisitSamples> visits,
                   double confidence = kPromiseConfidence);

}  // namespace batchtune

// See limit.h.
#include "tuner/search/limit.h"

#include <algorithm>
#include <cmath>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

// Confidence that the true median is on the side of the limit where `share` of the samples are:
// P(X(k) >= median) = P(Bin(n, 1/2) <= k - 1).
double confidence_of(double share, int samples) {
  return binomial_cdf(samples, 0.5, static_cast<int>(std::floor(share * samples)) - 1);
}

}  // namespace

LimitFinding judge(const LatencyLimit& limit, std::span<const Seconds> samples, int visits) {
  LimitFinding finding;
  finding.verdict.metric = limit.metric;
  finding.verdict.limit = limit.limit;
  finding.over = samples.empty();
  if (samples.empty()) return finding;
  const int n = static_cast<int>(samples.size());
  const int effective = std::min(n, std::max(effective_samples(samples), visits));
  finding.verdict.samples = effective;
  finding.over = quantile(samples, quantile_of(limit.metric)) > limit.limit;
  if (limit.metric != LatencyMetric::p50) return finding;
  const auto interval = quantile_interval(samples, 0.5, kConfidence, effective);
  if (!interval) return finding;
  const auto below = std::count_if(samples.begin(), samples.end(),
                                   [&](Seconds seconds) { return seconds <= limit.limit; });
  const double share = static_cast<double>(below) / n;
  if (interval->high <= limit.limit) {
    finding.verdict.decision = LimitDecision::kept;
    finding.verdict.confidence = confidence_of(share, effective);
  } else if (interval->low > limit.limit) {
    finding.verdict.decision = LimitDecision::broken;
    finding.verdict.confidence = confidence_of(1 - share, effective);
  }
  return finding;
}

}  // namespace batchtune

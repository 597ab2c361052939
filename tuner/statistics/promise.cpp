// See promise.h. With h runs under the limit and t over it, I_q(h, t + 1) is the chance of seeing
// so few over when the true percentile q lies at the limit; both may be fractions here, since
// correlated runs count as fewer.
#include "tuner/statistics/promise.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cassert>
#include <cmath>
#include <cstddef>

#include "tuner/statistics/correlation.h"
#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

// `max` cannot be proved by samples: it is called kept after as many as p99 needs with none over.
double proved_quantile(LatencyMetric metric) {
  return quantile_of(metric == LatencyMetric::max ? LatencyMetric::p99 : metric);
}

// Confidence that less than 1 - q of all runs are over the limit.
double confidence_kept(double q, double under, double over) {
  return under > 0 ? 1 - boost::math::ibeta(under, over + 1, q) : 0;
}

// Confidence that more than 1 - q are.
double confidence_broken(double q, double under, double over) {
  return over > 0 ? 1 - boost::math::ibeta(over, under + 1, 1 - q) : 0;
}

// Runs that are worth one independent run, by one figure of each run.
template <typename Figure>
double inflation_by(std::span<const VisitSamples> visits, Figure figure) {
  std::vector<std::vector<double>> groups;
  std::vector<double> means;
  for (const VisitSamples& visit : visits) {
    if (visit.empty()) continue;
    auto& group = groups.emplace_back();
    for (const Seconds seconds : visit) group.push_back(figure(seconds));
    double sum = 0;
    for (const double value : group) sum += value;
    means.push_back(sum / static_cast<double>(group.size()));
  }
  return design_effect(groups) * integrated_autocorrelation(means);
}

}  // namespace

int samples_to_keep(LatencyMetric metric, int over, double confidence) {
  assert(over >= 0 && confidence > 0 && confidence < 1);
  const double q = proved_quantile(metric);
  int low = 0, high = 1;  // under the limit: too few, enough
  while (confidence_kept(q, high, over) < confidence) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (confidence_kept(q, middle, over) >= confidence ? high : low) = middle;
  }
  return high + over;
}

LimitVerdict judge(const LatencyLimit& limit, std::span<const VisitSamples> visits,
                   double confidence) {
  LimitVerdict verdict;
  verdict.metric = limit.metric;
  verdict.limit = limit.limit;
  for (const VisitSamples& visit : visits)
    for (const Seconds seconds : visit) {
      ++verdict.runs;
      verdict.over += seconds > limit.limit;
    }
  if (verdict.runs == 0) return verdict;
  const double by_time = inflation_by(visits, [](Seconds seconds) { return std::log(seconds); });
  const double by_limit =
      inflation_by(visits, [&](Seconds seconds) { return seconds > limit.limit ? 1.0 : 0.0; });
  verdict.samples = std::max(1.0, verdict.runs / std::max(by_time, by_limit));
  if (limit.metric == LatencyMetric::max && verdict.over > 0) {
    verdict.decision = LimitDecision::broken;
    verdict.confidence = 1;
    return verdict;
  }
  const double q = proved_quantile(limit.metric);
  const double over = verdict.samples * verdict.over / verdict.runs;
  const double kept = confidence_kept(q, verdict.samples - over, over);
  const double broken = confidence_broken(q, verdict.samples - over, over);
  if (kept >= confidence) verdict.decision = LimitDecision::kept;
  if (broken >= confidence) verdict.decision = LimitDecision::broken;
  verdict.confidence = verdict.decision == LimitDecision::broken ? broken : kept;
  return verdict;
}

}  // namespace batchtune

// See proof.h.
#include "tuner/search/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuner/core/units.h"
#include "tuner/measure/stop_rule.h"
#include "tuner/search/race.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/promise.h"

namespace batchtune {
namespace {

constexpr double kUnknownCorrelation = 0.05;  // neighbours of a shared machine come and go
constexpr int kAnchorRuns = 3;                // one warm, two timed
constexpr Seconds kReferences = 0.03;         // two programs, three runs of up to 5 ms each
constexpr int kMostRuns = 64;                 // beyond, a visit is one long look at one moment
constexpr Seconds kLongestProofVisit = 1;     // rounds stay below about 2 s

std::string rough_time(Seconds seconds) {
  constexpr Seconds kMinute = 60;
  if (seconds < 1) return "1 s";
  if (seconds < 1.5 * kMinute) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / kMinute);
}

}  // namespace

// The classic optimum of cluster sampling: sqrt((1 - r) / r x cost of a cluster / cost of a
// member).
int proof_runs(double correlation, Seconds run, Seconds others) {
  constexpr double kLeast = 1e-4;  // no visit has so many runs that less would matter
  const double r = std::clamp(correlation, kLeast, 1.0);
  if (run <= 0) return kMostRuns;
  const double best = std::sqrt((1 - r) / r * (others + kWarmRuns * run) / run);
  const double longest = std::max(1.0, kLongestProofVisit / run);
  return static_cast<int>(std::clamp(best, 1.0, std::min<double>(kMostRuns, longest)));
}

double visit_correlation(const LimitVerdict& verdict, int visits) {
  if (verdict.samples <= 0 || visits <= 0 || verdict.runs <= visits) return kUnknownCorrelation;
  const double per_visit = static_cast<double>(verdict.runs) / visits;
  return std::clamp((verdict.runs / verdict.samples - 1) / (per_visit - 1), 0.0, 1.0);
}

LimitVerdict judge_at_look(const LatencyLimit& limit, std::span<const VisitSamples> visits) {
  auto look = static_cast<std::size_t>(last_look(static_cast<int>(visits.size())));
  if (look == 0) look = visits.size();
  LimitVerdict verdict = judge(limit, visits.first(look));
  for (const VisitSamples& later : visits.subspan(look)) add_visit(verdict, later);
  return verdict;
}

void add_visit(LimitVerdict& verdict, const VisitSamples& visit) {
  verdict.runs += static_cast<int>(visit.size());
  verdict.over += static_cast<int>(
      std::count_if(visit.begin(), visit.end(), [&](Seconds run) { return run > verdict.limit; }));
  if (verdict.metric != LatencyMetric::max || verdict.over == 0) return;
  verdict.decision = LimitDecision::broken;  // one run breaks it, whenever it comes
  verdict.confidence = 1;
}

std::string words_of(const LimitVerdict& verdict) {
  std::string words = fmt::format("{} is {}: {} runs, {} over",
                                  to_string(LatencyLimit{verdict.metric, verdict.limit}),
                                  name_of(verdict.decision), verdict.runs, verdict.over);
  if (!verdict.confidence) return words;
  constexpr double kSure = 0.9995;  // would round to 100 %, which nothing is
  return words + (*verdict.confidence > kSure
                      ? std::string(", confidence above 99.9 %")
                      : fmt::format(", confidence {:.3g} %", 100 * *verdict.confidence));
}

bool looks_broken(const LimitVerdict& verdict) {
  if (verdict.decision != LimitDecision::unproven) return verdict.decision == LimitDecision::broken;
  constexpr double kRounding = 1e-9;
  const double allowed = (1 - quantile_of(verdict.metric)) * verdict.runs + kRounding;
  return verdict.runs == 0 || verdict.over > allowed;
}

Seconds seconds_beside(Seconds anchor_run) {
  return kReferences + kAnchorRuns * anchor_run;
}

ProofCost proof_cost(std::span<const LatencyLimit> limits, Seconds run, Seconds others) {
  ProofCost cost;
  LatencyMetric hardest = LatencyMetric::p50;
  for (const LatencyLimit& limit : limits) {
    const int samples = samples_to_keep(limit.metric, 0);
    if (samples <= cost.samples) continue;
    cost.samples = samples;
    hardest = limit.metric;
  }
  if (cost.samples == 0) return cost;
  const int runs = proof_runs(kUnknownCorrelation, run, others);
  const double worth = runs / (1 + (runs - 1) * kUnknownCorrelation);
  const double visits = std::ceil(cost.samples / worth);
  cost.seconds = visits * (others + (kWarmRuns + runs) * run);
  cost.words = fmt::format("{} at {:.0f} % needs >= {} samples, about {}", name_of(hardest),
                           100 * kPromiseConfidence, cost.samples, rough_time(cost.seconds));
  return cost;
}

ProofCost proof_cost(const Problem& problem) {
  const auto& limits = problem.wishes.latency_limits;
  if (limits.empty()) return {};
  Seconds run = limits.front().limit;
  for (const LatencyLimit& limit : limits) run = std::min(run, limit.limit);
  if (!problem.groups.empty()) {
    const Estimate& estimate = problem.groups.front();
    for (const PointEstimate& point : estimate.curve)
      if (point.batch == estimate.batch) run = std::min(run, point.latency);
  }
  return proof_cost(limits, run, seconds_beside(std::min(run, kAnchorRun)));
}

}  // namespace batchtune

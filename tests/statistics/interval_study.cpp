// See interval_study.h.
#include "tests/statistics/interval_study.h"

#include <vector>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/promise.h"
#include "tuner/statistics/resample.h"
#include "tuner/statistics/rounds.h"

namespace batchtune::synthetic {
namespace {

constexpr TrialId kAnchor = 1, kTrial = 2;

struct Tally {
  double error = 0, width = 0;
  int covered = 0, sessions = 0;

  void add(double estimate, const std::optional<Interval>& interval, double truth) {
    ++sessions;
    error += estimate / truth - 1;
    if (!interval) return;
    covered += interval->low <= truth && truth <= interval->high;
    width += (interval->high - interval->low) / 2 / truth;
  }
  Finding finding() const {
    const double n = sessions;
    return {error / n, covered / n, width / n};
  }
};

Plan plan_of(const NoiseKind& kind, const Setting& setting) {
  Plan plan;
  plan.noise = kind.parameters;
  plan.rounds = setting.rounds;
  plan.seen = setting.seen;
  plan.programs[1].sensitivity = setting.sensitivity;
  return plan;
}

std::vector<RoundMedians> medians_of(const Plan& plan, std::uint64_t seed) {
  std::vector<RoundMedians> medians;
  for (const Round& round : rounds_of(plan, seed)) medians.push_back(visit_medians(round));
  return medians;
}

// Mean of the estimate over sessions: the most that an interval from inside one session can be
// asked to cover.
Seconds mean_level(const Plan& plan) {
  constexpr int kSessions = 300;
  double sum = 0;
  const auto all = all_indices(plan.rounds);
  for (int s = 0; s < kSessions; ++s) {
    const auto medians = medians_of(plan, 50'000'000 + static_cast<std::uint64_t>(s));
    sum += level_of(medians, all, kAnchor, kTrial)->undisturbed;
  }
  return sum / kSessions;
}

std::vector<VisitSamples> visits_of(const NoiseKind& kind, Seconds session, Seconds gap,
                                    std::uint64_t seed) {
  constexpr Seconds kRun = 0.010;
  constexpr int kRuns = 3;
  simulated::Noise noise(kind.parameters, seed);
  std::vector<VisitSamples> visits;
  for (Seconds begin = 0; begin < session; begin += gap) {
    Seconds now = begin;
    auto& visit = visits.emplace_back();
    for (int run = 0; run < kRuns; ++run) {
      visit.push_back(kRun * noise.factor(now));
      now += visit.back();
    }
  }
  return visits;
}

}  // namespace

RatioFinding ratio_study(const NoiseKind& kind, const Setting& setting, int sessions,
                         std::uint64_t seed) {
  const Plan plan = plan_of(kind, setting);
  const double truth = plan.programs[1].seconds / plan.programs[0].seconds;
  Tally tally;
  int only_quiet = 0;
  for (int s = 0; s < sessions; ++s) {
    const auto medians = medians_of(plan, seed + static_cast<std::uint64_t>(s));
    const PairedRatio paired = paired_ratio(medians, kAnchor, kTrial);
    tally.add(paired.ratio, paired.ci95, truth);
    only_quiet += log_ratio_series(medians, kAnchor, kTrial).only_quiet;
  }
  return {tally.finding(), static_cast<double>(only_quiet) / sessions};
}

LevelFinding level_study(const NoiseKind& kind, const Setting& setting, int sessions,
                         std::uint64_t seed) {
  const Plan plan = plan_of(kind, setting);
  const Seconds truth = plan.programs[1].seconds, mean = mean_level(plan);
  const auto all = all_indices(plan.rounds);
  Tally of_truth, of_mean;
  for (int s = 0; s < sessions; ++s) {
    const auto medians = medians_of(plan, seed + static_cast<std::uint64_t>(s));
    const Seconds level = level_of(medians, all, kAnchor, kTrial)->undisturbed;
    const auto interval = level_interval(medians, kAnchor, kTrial);
    of_truth.add(level, interval, truth);
    of_mean.add(level, interval, mean);
  }
  return {of_truth.finding(), of_mean.finding().coverage};
}

Seconds long_run_percentile(const NoiseKind& kind, LatencyMetric metric) {
  constexpr int kSessions = 3000;  // of a minute, with a visit every 5 s
  std::vector<Seconds> all;
  for (int s = 0; s < kSessions; ++s)
    for (const VisitSamples& visit :
         visits_of(kind, 60, 5, 80'000'000 + static_cast<std::uint64_t>(s)))
      all.insert(all.end(), visit.begin(), visit.end());
  return quantile(all, quantile_of(metric));
}

PromiseFinding promises_of(const NoiseKind& kind, const PromisePlan& plan, Seconds percentile,
                           int sessions, std::uint64_t seed) {
  PromiseFinding finding;
  const LatencyLimit limit{plan.metric, percentile * plan.slack};
  for (int s = 0; s < sessions; ++s) {
    const auto visits =
        visits_of(kind, plan.session, plan.gap, seed + static_cast<std::uint64_t>(s));
    const LimitVerdict verdict = judge(limit, visits);
    finding.kept += verdict.decision == LimitDecision::kept;
    finding.broken += verdict.decision == LimitDecision::broken;
    finding.samples += verdict.samples;
  }
  finding.kept /= sessions;
  finding.broken /= sessions;
  finding.samples /= sessions;
  return finding;
}

}  // namespace batchtune::synthetic

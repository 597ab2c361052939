// See stop_rule.h: the table, and what all rules share.
#include "tuner/measure/stop_rule.h"

#include <algorithm>

#include "tuner/measure/stop_rule_parts.h"
#include "tuner/statistics/interval.h"

namespace batchtune {

void RoundRule::add(const Round& round) {
  const bool counts = std::any_of(
      question_.subjects.begin(), question_.subjects.end(),
      [&](const Subject& subject) { return !timed_runs(round, subject.trial).empty(); });
  if (!counts) return;
  medians_.push_back(visit_medians(round));
  see(round);
}

int RoundRule::fewest_visits(Rounds rounds) const {
  auto fewest = std::ssize(rounds);
  for (const Subject& subject : question_.subjects)
    fewest =
        std::min(fewest, std::count_if(rounds.begin(), rounds.end(), [&](const auto& round) {
                   return std::any_of(round.begin(), round.end(), [&](const VisitMedian& visit) {
                     return visit.reference.empty() && visit.trial == subject.trial;
                   });
                 }));
  return static_cast<int>(fewest);
}

bool LookingRule::done() const {
  const int last = last_look(count());
  if (last == judged_) return done_;
  const int before = last_look(last - 1);
  judged_ = last;
  done_ = (!twice_ || before > 0) && holds(first(last)) && (!twice_ || holds(first(before)));
  return done_;
}

namespace {

constexpr StopRuleEntry kStopRules[] = {
    {"interval", "the 95 % interval of every ratio (or lone level) is narrow", kIntervalParameters,
     &make_interval_rule},
    {"rank", "resampled rounds lead to the same choice", kRankParameters, &make_rank_rule},
    {"percentile", "every latency limit is kept or broken with confidence", kPercentileParameters,
     &make_percentile_rule},
    {"steady", "the estimate of the noise has stabilised (nvbench)", kSteadyParameters,
     &make_steady_rule},
    {"rounds", "a number of rounds", kRoundsParameters, &make_rounds_rule},
    {"time", "a time", kTimeParameters, &make_time_rule},
};

}  // namespace

std::span<const StopRuleEntry> stop_rules() {
  return kStopRules;
}

std::unique_ptr<StopRule> make_stop_rule(std::string_view name, const StopQuestion& question) {
  for (const StopRuleEntry& entry : kStopRules) {
    if (entry.name != name) continue;
    std::vector<double> values;
    for (const StopParameter& parameter : entry.parameters)
      values.push_back(parameter.name == "precision" ? question.wishes.precision : parameter.value);
    return entry.create(question, values);
  }
  return nullptr;
}

int last_look(int count) {
  if (count < kFewestRounds) return 0;
  int look = kFewestRounds;
  while (true) {
    const int next = look + std::max(2, look / 5);
    if (next > count) return look;
    look = next;
  }
}

VisitSamples timed_runs(const Round& round, TrialId trial) {
  VisitSamples runs;
  for (const Visit& visit : round.visits) {
    if (!visit.reference.empty() || visit.trial != trial) continue;
    const auto timed = timed_of(visit);
    runs.insert(runs.end(), timed.begin(), timed.end());
  }
  return runs;
}

}  // namespace batchtune

// See prove.h.
#include "tuner/search/prove.h"

#include <algorithm>
#include <cmath>

#include "tuner/search/proof.h"
#include "tuner/search/race.h"
#include "tuner/statistics/promise.h"

namespace batchtune {
namespace {

constexpr double kMostReserved = 0.5;  // of the racing budget: what is proved must first be found

Seconds beside(const Ledger& ledger) {
  if (ledger.anchor() == 0) return seconds_beside(0);
  return seconds_beside(ledger.run_seconds(ledger.at(ledger.anchor()).candidate));
}

// The share of the samples that the hardest open limit still lacks.
double share_missing(const std::vector<LimitVerdict>& verdicts) {
  double missing = 0;
  for (const LimitVerdict& verdict : verdicts) {
    if (verdict.decision == LimitDecision::kept) continue;
    const double over = verdict.runs > 0 ? verdict.samples * verdict.over / verdict.runs : 0;
    const double needed = samples_to_keep(verdict.metric, static_cast<int>(std::ceil(over)));
    missing = std::max(missing, 1 - verdict.samples / needed);
  }
  return missing;
}

// Of the runs of a visit, by the limit under which they agree most. `samples` are as of the
// last look, so the other counts must be as well.
double correlation_of(const Entry& entry) {
  if (entry.limits.empty()) return visit_correlation({}, 0);
  const int look = last_look(static_cast<int>(entry.visits.size()));
  int runs = 0;
  for (int i = 0; i < look; ++i)
    runs += static_cast<int>(entry.visits[static_cast<std::size_t>(i)].size());
  double correlation = 0;
  for (LimitVerdict verdict : entry.limits) {
    verdict.runs = runs;
    correlation = std::max(correlation, visit_correlation(verdict, look));
  }
  return correlation;
}

// Of the likely choice of each backend; before there is one, of a run as long as the limit.
Seconds proof_reserve(const Ledger& ledger, const Problem& problem) {
  const auto& limits = problem.wishes.latency_limits;
  if (limits.empty()) return 0;
  const auto seconds = [&](Seconds run) { return proof_cost(limits, run, beside(ledger)).seconds; };
  Seconds reserve = 0;
  const auto likely = likely_choices(ledger, problem);
  for (const TrialId trial : likely) {
    const Entry& entry = ledger.at(trial);
    const double missing = entry.limits.empty() ? 1 : share_missing(entry.limits);
    reserve += missing * seconds(ledger.run_seconds(entry.candidate));
  }
  if (likely.empty()) {
    Seconds run = limits.front().limit;
    for (const LatencyLimit& limit : limits) run = std::min(run, limit.limit);
    reserve = seconds(run);
  }
  return std::min(kMostReserved * problem.budget.racing, reserve);
}

}  // namespace

Proof proof_of(const Ledger& ledger, const Problem& problem, TrialId trial) {
  Proof proof;
  const Entry& entry = ledger.at(trial);
  for (const LimitVerdict& verdict : entry.limits)
    proof.words += (proof.words.empty() ? "" : "; ") + words_of(verdict);
  proof.decided = keeps_limits(entry, problem);
  const double correlation = correlation_of(entry);
  const Seconds run = ledger.run_seconds(entry.candidate);
  const Seconds others = trial == ledger.anchor() ? seconds_beside(0) : beside(ledger);
  const int runs = proof_runs(correlation, run, others);
  proof.round.anchor = ledger.anchor();
  proof.round.sequence = ledger.next_sequence();
  proof.round.contenders = {{trial, 1, runs}};  // the anchor as well: its visit is longer then
  proof.cost = others + (kWarmRuns + runs) * run;
  proof.round.seconds = kLongestRound;  // its one visit is not to be cut; the round ends with it
  return proof;
}

std::optional<Ask> Prover::next(const Ledger& ledger, const Problem& problem,
                                const std::function<bool(TrialId)>& contends) {
  standing_.clear();
  for (const TrialId likely : likely_choices(ledger, problem)) {
    const std::string& backend = ledger.at(likely).candidate.group.backend;
    TrialId& proving = proving_[backend];
    if (proving == 0 || !contends(proving)) proving = likely;
    const Proof proof = proof_of(ledger, problem, proving);
    const Entry& entry = ledger.at(proving);
    if (!proof.decided && seconds_again(ledger, entry) + proof.cost <= ledger.racing_left()) {
      if (!entry.live) return AskPrepare{entry.id, entry.candidate};
      return AskRound{proof.round};
    }
    standing_[backend] = {proof.decided, proof.words};
  }
  return std::nullopt;
}

Seconds left_to_race(const Ledger& ledger, const Problem& problem) {
  return ledger.racing_left() - proof_reserve(ledger, problem);
}

}  // namespace batchtune

// See finals.h.
#include "tuner/search/finals.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/prove.h"
#include "tuner/search/scan_view.h"

namespace batchtune {
namespace {

// Batch 1 is always finished: sessions that chose apart can still be compared by it (tuner/track).
constexpr int kSmallestRounds = 8;
constexpr int kHurriedRounds = 2;  // of batch 1, when the budget is spent already

std::optional<Ask> run_needy(const Ledger& ledger, const Problem& problem,
                             const std::vector<TrialId>& needy) {
  std::vector<TrialId> running;
  for (const TrialId trial : needy) {
    const Entry& entry = ledger.at(trial);
    if (seconds_again(ledger, entry) + round_cost(ledger, {trial}) > left_to_race(ledger, problem))
      continue;
    if (!entry.live) return AskPrepare{trial, entry.candidate};
    running.push_back(trial);
  }
  if (running.empty()) return std::nullopt;
  return AskRound{round_of(ledger, running, kRaceRound)};
}

}  // namespace

std::vector<Candidate> smallest_of_backends(const Problem& problem) {
  std::vector<Candidate> smallest;
  for (const Estimate& estimate : problem.groups)
    if (std::none_of(smallest.begin(), smallest.end(), [&](const Candidate& candidate) {
          return candidate.group.backend == estimate.group.backend;
        }))
      smallest.push_back({estimate.group, smallest_batch(problem)});
  return smallest;
}

std::optional<Ask> finish_smallest(Ledger& ledger, const Problem& problem) {
  for (const Candidate& smallest : smallest_of_backends(problem)) {
    const Entry* entry = ledger.find(smallest);
    if (!entry) return AskPrepare{ledger.number(smallest), smallest};
    if (ledger.anchor() == 0 && entry->ok()) ledger.fix_anchor(entry->id);
    const bool affordable = ledger.racing_left() > 0;
    if (entry->live && entry->shared < (affordable ? kSmallestRounds : kHurriedRounds))
      return AskRound{round_of(ledger, {entry->id}, kShortRound)};
  }
  return std::nullopt;
}

std::optional<Ask> Finals::next(Ledger& ledger, const Problem& problem) {
  if (auto ask = finish_smallest(ledger, problem)) return ask;
  if (ledger.anchor() == 0)
    return over(SessionEnd::failed, "no candidate ran: see the trials' reasons");
  const auto needy = still_needy(ledger, problem);
  if (likely_choices(ledger, problem).empty())
    return over(SessionEnd::converged, "no candidate keeps the limits");
  if (auto ask = run_needy(ledger, problem, needy)) return ask;
  if (auto ask =
          prover_.next(ledger, problem, [&](TrialId trial) { return contends(ledger, trial); }))
    return ask;
  return over(ledger);
}

// Of all backends whose order is open, fewest rounds first.
std::vector<TrialId> Finals::still_needy(const Ledger& ledger, const Problem& problem) {
  std::vector<TrialId> needy;
  for (const std::string& backend : backends_of(problem)) {
    Race& race = races_[backend];
    race.contenders = finalists(ledger, problem, backend);
    std::sort(race.contenders.begin(), race.contenders.end());
    // An order that was settled stays so: looking again finds luck.
    if (race.contenders.empty() || race.contenders == race.settled) continue;
    const RaceState state = race.order.state(ledger, problem, race.contenders);
    race.words = state.reason;
    race.settled = state.settled ? race.contenders : std::vector<TrialId>{};
    if (!state.settled) needy.insert(needy.end(), state.needy.begin(), state.needy.end());
  }
  std::stable_sort(needy.begin(), needy.end(),
                   [&](TrialId a, TrialId b) { return ledger.at(a).shared < ledger.at(b).shared; });
  return needy;
}

bool Finals::contends(const Ledger& ledger, TrialId trial) {
  const auto& contenders = races_[ledger.at(trial).candidate.group.backend].contenders;
  return std::find(contenders.begin(), contenders.end(), trial) != contenders.end();
}

std::optional<Ask> Finals::over(const Ledger& ledger) {
  bool decided = true;
  std::string words;
  for (const auto& [backend, proven] : prover_.standing()) {
    const Race& race = races_[backend];
    decided = decided && proven.decided && race.settled == race.contenders;
    if (!words.empty()) words += "; ";
    if (races_.size() > 1) words += backend + ": ";
    words += race.words;
    if (!proven.words.empty()) words += "; " + proven.words;
  }
  if (decided) return over(SessionEnd::converged, words);
  return over(SessionEnd::budget,
              fmt::format("{} of racing spent: {}", format_seconds(ledger.racing_spent()), words));
}

std::optional<Ask> Finals::over(SessionEnd end, std::string reason) {
  stop_ = AskStop{end, std::move(reason)};
  return std::nullopt;
}

}  // namespace batchtune

// See finals.h.
#include "tuner/search/finals.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tuner/core/units.h"
#include "tuner/search/prove.h"
#include "tuner/search/scan_view.h"

namespace batchtune {
namespace {

// Batch 1 is always finished: sessions that chose apart can still be compared by it (tuner/track).
constexpr int kSmallestRounds = 8;
constexpr int kHurriedRounds = 2;  // of batch 1, when the budget is spent already

// How fast a program is depends on where its memory happens to lie, by 1 to 4 %, in all its rounds:
// of several batches the best is mostly the luckiest. So contenders are prepared anew every few
// rounds.
constexpr int kPrograms = 4;
constexpr int kRoundsOfAProgram = 5;
constexpr double kMostToPrepare = 0.02;  // of the budget: what takes longer is prepared once

bool may_be_anew(const Ledger& ledger, const Problem& problem, const Entry& entry) {
  return !ledger.compiles().counted(entry.candidate.group) &&
         entry.prepare_without_compiler() <= kMostToPrepare * problem.budget.racing;
}

bool is_worn(const Ledger& ledger, const Problem& problem, const Entry& entry) {
  return entry.live && entry.since_prepared >= kRoundsOfAProgram && entry.programs < kPrograms &&
         may_be_anew(ledger, problem, entry);
}

// Whatever a stop rule says of its rounds.
bool has_had_its_rounds(const Ledger& ledger, const Problem& problem, const Entry& entry) {
  constexpr int kFewest = 12;
  if (entry.shared < kFewest) return false;
  return !may_be_anew(ledger, problem, entry) ||
         (entry.programs >= kPrograms && entry.since_prepared >= kRoundsOfAProgram);
}

bool is_affordable(const Ledger& ledger, const Problem& problem, const Entry& entry) {
  return seconds_again(ledger, entry) + round_cost(ledger, {entry.id}) <=
         left_to_race(ledger, problem);
}

// All worn ones are released before the first is prepared again, in another order each time: else
// each would get its own memory back. The anchor comes first, since no round goes without it.
std::optional<Ask> prepare_anew(Ledger& ledger, const Problem& problem,
                                const std::vector<TrialId>& needy) {
  std::vector<const Entry*> released;
  for (const TrialId trial : needy) {
    const Entry& entry = ledger.at(trial);
    if (is_worn(ledger, problem, entry) && is_affordable(ledger, problem, entry)) {
      ledger.release(trial);
      return AskRelease{trial};
    }
    if (!entry.live && (trial == ledger.anchor() || is_affordable(ledger, problem, entry)))
      released.push_back(&entry);
  }
  if (released.empty()) return std::nullopt;
  const auto key = [&](const Entry* entry) {
    const auto batch = entry->candidate.batch;
    return std::pair(entry->id != ledger.anchor(), entry->programs % 2 == 0 ? batch : -batch);
  };
  const Entry* next = *std::min_element(
      released.begin(), released.end(),
      [&](const Entry* a, const Entry* b) { return key(a) < key(b); });
  return AskPrepare{next->id, next->candidate};
}

std::optional<Ask> run_needy(Ledger& ledger, const Problem& problem,
                             const std::vector<TrialId>& needy) {
  if (auto ask = prepare_anew(ledger, problem, needy)) return ask;
  std::vector<TrialId> running;
  for (const TrialId trial : needy)
    if (ledger.at(trial).live && is_affordable(ledger, problem, ledger.at(trial)))
      running.push_back(trial);
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
  const Needy needy = still_needy(ledger, problem);
  if (likely_choices(ledger, problem).empty())
    return over(SessionEnd::converged, "no candidate keeps the limits");
  if (auto ask = run_needy(ledger, problem, needy.open)) return ask;
  if (auto ask =
          prover_.next(ledger, problem, [&](TrialId trial) { return contends(ledger, trial); }))
    return ask;
  if (auto ask = run_needy(ledger, problem, needy.early)) return ask;
  return over(ledger);
}

Finals::Needy Finals::still_needy(const Ledger& ledger, const Problem& problem) {
  Needy needy;
  for (const std::string& backend : backends_of(problem)) {
    Race& race = races_[backend];
    race.contenders = finalists(ledger, problem, backend);
    std::sort(race.contenders.begin(), race.contenders.end());
    // An order that was settled stays so: looking again finds luck.
    if (race.contenders.empty() || race.contenders == race.settled) continue;
    const RaceState state = race.order.state(ledger, problem, race.contenders);
    race.words = state.reason;
    race.settled.clear();
    if (!state.settled) {
      needy.open.insert(needy.open.end(), state.needy.begin(), state.needy.end());
      continue;
    }
    std::vector<TrialId> early;
    for (const TrialId trial : race.contenders)
      if (!has_had_its_rounds(ledger, problem, ledger.at(trial))) early.push_back(trial);
    if (early.empty()) {
      race.settled = race.contenders;
      continue;
    }
    race.words += fmt::format(", {} of {} contenders having run too seldom to be sure", early.size(),
                              race.contenders.size());
    needy.early.insert(needy.early.end(), early.begin(), early.end());
  }
  for (auto* trials : {&needy.open, &needy.early})
    std::stable_sort(trials->begin(), trials->end(), [&](TrialId a, TrialId b) {
      return ledger.at(a).shared < ledger.at(b).shared;
    });
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

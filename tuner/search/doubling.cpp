// Each ask is found from the ledger by the same questions in the same order: is the anchor fixed,
// does a new candidate lack its first rounds, is another batch worth a look, is the order of the
// contenders open. So the figures may change at any time and the same tells still give the same
// asks.
#include "tuner/search/doubling.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/boundary.h"
#include "tuner/search/ledger.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/race.h"
#include "tuner/search/scan.h"

namespace batchtune {
namespace {

constexpr double kScanShare = 0.35;   // of what is left: more for one candidate starves the race
constexpr double kRaceReserve = 0.3;  // of the whole budget: never spent on looking further
constexpr int kMostCandidates = 20;   // of one group: the scan ends also where noise goes on
constexpr std::size_t kMostPrograms = 8;  // held at once, for the sake of memory
constexpr int kSmallestRounds = 6;        // batch 1 is always finished: it gets an interval
constexpr int kHurriedRounds = 2;         // of batch 1, when the budget is spent already
constexpr double kRunsToPrepare = 2;      // the checked first run, and about as much again
constexpr double kRunsPerRound = 3;       // of each candidate: one warm, two timed

class Doubling final : public Strategy {
 public:
  explicit Doubling(const Problem& problem) : problem_(problem), ledger_(problem_) {}

  Ask ask() override;
  void tell(const Observation& observation) override { ledger_.tell(observation); }

 private:
  std::optional<Ask> check_smallest_fits();
  std::optional<Ask> race();
  std::optional<Ask> fix_anchor(const CandidateGroup& group);
  std::optional<Ask> scan(const Estimate& estimate);
  std::optional<Ask> first_rounds(const std::vector<const Entry*>& entries);
  std::optional<Ask> trim();
  std::optional<Ask> run_finals();
  std::optional<Ask> finish_smallest();
  std::optional<Ask> release_contenders();

  Ask prepare(const Candidate& candidate);
  std::vector<ScanPoint> scan_points(const std::vector<const Entry*>& entries) const;
  ScanRange scan_range(const Estimate& estimate) const;
  std::int64_t smallest_batch() const;
  std::int64_t largest_worth_it(const CandidateGroup& group) const;
  std::vector<const Entry*> entries_of(const CandidateGroup& group) const;
  std::optional<Ask> over(SessionEnd end, std::string reason);

  Problem problem_;
  Ledger ledger_;
  ProbePlan probes_;
  bool racing_over_ = false;
  AskStop stop_;
};

Ask Doubling::ask() {
  if (auto ask = check_smallest_fits()) return *ask;
  if (!racing_over_) {
    if (auto ask = race()) return *ask;
    racing_over_ = true;
  }
  if (auto ask = release_contenders()) return *ask;
  const TrialId chosen = chosen_so_far(ledger_, problem_);
  if (auto probe = probes_.next(ledger_, problem_, chosen)) return *probe;
  return stop_;
}

// A model that is too large for the limit at batch 1 is asked alone, under the limit, before
// anything else.
std::optional<Ask> Doubling::check_smallest_fits() {
  if (racing_over_ || !problem_.wishes.memory_limit || !ledger_.entries().empty())
    return std::nullopt;
  bool anything_fits = false;
  for (const Estimate& estimate : problem_.groups) {
    const Candidate smallest{estimate.group, smallest_batch()};
    const bool probed = !ledger_.probes(estimate.group).empty();
    if (!ledger_.fits(smallest) && !probed)
      return AskProbe{{smallest, problem_.wishes.memory_limit}};
    const auto fails =
        bracket_of(ledger_.probes(estimate.group), *problem_.wishes.memory_limit).fails;
    anything_fits |= !fails;
  }
  if (anything_fits) return std::nullopt;
  const std::string limit = format_bytes(static_cast<double>(*problem_.wishes.memory_limit));
  over(SessionEnd::converged, fmt::format("not even batch {} fits in {}", smallest_batch(), limit));
  racing_over_ = true;
  return std::nullopt;
}

std::optional<Ask> Doubling::race() {
  if (const auto ended = anchor_ended(ledger_)) return over(SessionEnd::failed, *ended);
  if (auto ask = trim()) return ask;
  for (const Estimate& estimate : problem_.groups) {
    if (ledger_.racing_left() <= 0) break;
    if (auto ask = fix_anchor(estimate.group)) return ask;
    if (auto ask = scan(estimate)) return ask;
  }
  return run_finals();
}

// The first candidate with a short run: the seed, else halved down to the smallest.
std::optional<Ask> Doubling::fix_anchor(const CandidateGroup& group) {
  if (ledger_.anchor() != 0) return std::nullopt;
  const auto entries = entries_of(group);
  if (entries.empty()) return std::nullopt;  // the scan begins with the seed
  for (const Entry& entry : ledger_.entries())
    if (entry.ok() && entry.first_run.value_or(1e9) <= kAnchorRun) {
      ledger_.fix_anchor(entry.id);
      return std::nullopt;
    }
  const Entry& lowest = *entries.front();
  if (lowest.candidate.batch <= smallest_batch()) {
    if (lowest.ok())
      ledger_.fix_anchor(lowest.id);
    else
      for (const Entry* entry : entries)
        if (entry->ok() && ledger_.anchor() == 0) ledger_.fix_anchor(entry->id);
    return std::nullopt;
  }
  std::int64_t half = std::max(smallest_batch(), lowest.candidate.batch / 2);
  if (!problem_.batches.empty())
    half = *(std::upper_bound(problem_.batches.begin(), problem_.batches.end(), half) - 1);
  return prepare({group, half});
}

std::optional<Ask> Doubling::scan(const Estimate& estimate) {
  const auto entries = entries_of(estimate.group);
  const std::vector<ScanPoint> points = scan_points(entries);
  const ScanRange range = scan_range(estimate);
  auto batch = next_below(range, points);
  if (!batch) {
    if (auto ask = first_rounds(entries)) return ask;
    if (entries.size() < kMostCandidates) batch = next_batch(range, points);
  }
  if (!batch || ledger_.find({estimate.group, *batch})) return std::nullopt;
  return prepare({estimate.group, *batch});
}

std::vector<ScanPoint> Doubling::scan_points(const std::vector<const Entry*>& entries) const {
  std::vector<ScanPoint> points;
  for (const Entry* entry : entries) {
    // The anchor has no round of its own before the first contender comes.
    const bool only_anchor = entry->ok() && !entry->latency && entry->id == ledger_.anchor();
    const double rate = only_anchor ? 1 : ledger_.choosable(*entry) ? ledger_.rate(*entry) : 0;
    points.push_back({entry->candidate.batch, rate});
  }
  return points;
}

ScanRange Doubling::scan_range(const Estimate& estimate) const {
  ScanRange range;
  range.seed = std::max<std::int64_t>(estimate.batch, 1);
  range.smallest = smallest_batch();
  range.largest = largest_worth_it(estimate.group);
  range.allowed = problem_.batches;
  range.objective = problem_.wishes.objective;
  range.give_up = problem_.wishes.give_up;
  return range;
}

// All that are new share their first rounds. The leader gets as many again before anything is
// looked for around it: on a busy machine the best of many short looks is often only the luckiest.
std::optional<Ask> Doubling::first_rounds(const std::vector<const Entry*>& entries) {
  double best = 0;
  for (const Entry* entry : entries)
    if (ledger_.choosable(*entry)) best = std::max(best, ledger_.rate(*entry));
  std::vector<TrialId> waiting;
  for (const Entry* entry : entries) {
    if (!entry->live || entry->id == ledger_.anchor() || ledger_.anchor() == 0) continue;
    const bool leads = entry->latency && ledger_.rate(*entry) >= best;
    const int needed = scan_rounds(ledger_.run_seconds(entry->candidate)) * (leads ? 2 : 1);
    if (entry->shared >= needed) continue;
    if (round_cost(ledger_, {entry->id}) <= ledger_.racing_left()) waiting.push_back(entry->id);
  }
  if (waiting.empty()) return std::nullopt;
  return AskRound{round_of(ledger_, waiting, kShortRound)};
}

// Programs that are clearly worse give their memory back.
std::optional<Ask> Doubling::trim() {
  std::vector<const Entry*> live;
  for (const Entry& entry : ledger_.entries())
    if (entry.live) live.push_back(&entry);
  if (live.size() <= kMostPrograms) return std::nullopt;
  const auto needed = finalists(ledger_, problem_);
  const Entry* worst = nullptr;
  for (const Entry* entry : live) {
    const bool is_needed = std::find(needed.begin(), needed.end(), entry->id) != needed.end();
    const bool smallest = entry->candidate.batch == smallest_batch();
    if (is_needed || smallest || !entry->latency || entry->id == ledger_.anchor()) continue;
    if (!worst || ledger_.rate(*entry) < ledger_.rate(*worst)) worst = entry;
  }
  if (!worst) return std::nullopt;
  const TrialId trial = worst->id;
  ledger_.release(trial);
  return AskRelease{trial};
}

std::optional<Ask> Doubling::run_finals() {
  if (auto ask = finish_smallest()) return ask;
  if (ledger_.anchor() == 0)
    return over(SessionEnd::failed, "no candidate ran: see the trials' reasons");
  const auto contenders = finalists(ledger_, problem_);
  if (contenders.empty()) return over(SessionEnd::converged, "no candidate keeps the limits");
  const RaceState state = race_state(ledger_, problem_, contenders);
  if (state.settled) return over(SessionEnd::converged, state.reason);
  std::vector<TrialId> running;
  for (const TrialId trial : state.needy) {
    const Entry& entry = ledger_.at(trial);
    const Seconds again = entry.live ? 0 : kRunsToPrepare * ledger_.run_seconds(entry.candidate);
    if (again + round_cost(ledger_, {trial}) > ledger_.racing_left()) continue;
    if (!entry.live) return prepare(entry.candidate);
    running.push_back(trial);
  }
  if (running.empty())
    return over(SessionEnd::budget,
                fmt::format("{} of racing spent: {}", format_seconds(ledger_.racing_spent()),
                            state.reason));
  return AskRound{round_of(ledger_, running, kRaceRound)};
}

// Batch 1 is always measured, whatever the budget: it is what every other batch is held against.
std::optional<Ask> Doubling::finish_smallest() {
  if (problem_.groups.empty()) return std::nullopt;
  const Candidate smallest{problem_.groups.front().group, smallest_batch()};
  const Entry* entry = ledger_.find(smallest);
  if (!entry) return prepare(smallest);
  if (ledger_.anchor() == 0 && entry->ok()) ledger_.fix_anchor(entry->id);
  const bool affordable = ledger_.racing_left() > 0;
  if (!entry->live || entry->shared >= (affordable ? kSmallestRounds : kHurriedRounds))
    return std::nullopt;
  return AskRound{round_of(ledger_, {entry->id}, kShortRound)};
}

// Probes need the memory that the contenders hold. The anchor is never released.
std::optional<Ask> Doubling::release_contenders() {
  for (const Entry& entry : ledger_.entries())
    if (entry.live && entry.id != ledger_.anchor()) {
      const TrialId trial = entry.id;
      ledger_.release(trial);
      return AskRelease{trial};
    }
  return std::nullopt;
}

Ask Doubling::prepare(const Candidate& candidate) {
  return AskPrepare{ledger_.number(candidate), candidate};
}

std::int64_t Doubling::smallest_batch() const {
  return problem_.batches.empty() ? 1 : problem_.batches.front();
}

// Above it a candidate would not fit, or its preparation and first rounds would take too much of
// the budget.
std::int64_t Doubling::largest_worth_it(const CandidateGroup& group) const {
  const Seconds anchor =
      ledger_.anchor() == 0 ? 0 : ledger_.run_seconds(ledger_.at(ledger_.anchor()).candidate);
  const auto entries = entries_of(group);
  const std::int64_t known = entries.empty() ? smallest_batch() : entries.back()->candidate.batch;
  const Seconds sample = ledger_.run_seconds({group, known}) / static_cast<double>(known);
  std::int64_t high = problem_.largest_batch;
  if (sample > 0) {
    const Seconds left = ledger_.racing_left();
    const Seconds free = std::min(kScanShare * left, left - kRaceReserve * problem_.budget.racing);
    const double rounds = scan_rounds(sample * static_cast<double>(known));
    const double affordable = (free - kRunsPerRound * rounds * anchor) /
                              (sample * (kRunsToPrepare + kRunsPerRound * rounds));
    high = static_cast<std::int64_t>(std::clamp(affordable, 1.0, static_cast<double>(high)));
  }
  std::int64_t low = 0;  // fits, as far as is known; high does not, or is the answer
  if (ledger_.fits({group, high})) return high;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (ledger_.fits({group, middle}) ? low : high) = middle;
  }
  return low;
}

std::vector<const Entry*> Doubling::entries_of(const CandidateGroup& group) const {
  std::vector<const Entry*> entries;
  for (const Entry& entry : ledger_.entries())
    if (entry.candidate.group == group && entry.told) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(),
            [](const Entry* a, const Entry* b) { return a->candidate.batch < b->candidate.batch; });
  return entries;
}

std::optional<Ask> Doubling::over(SessionEnd end, std::string reason) {
  stop_ = AskStop{end, std::move(reason)};
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Strategy> make_doubling(const Problem& problem, std::uint64_t) {
  return std::make_unique<Doubling>(problem);
}

}  // namespace batchtune

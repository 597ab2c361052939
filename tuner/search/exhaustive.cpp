// Batches in ascending order, a handful at a time, so that any number of them needs little memory;
// the anchor ties the handfuls together. A handful ends by the problem's stop rule or with its
// share of the budget. Where a compiled batch is looked for that serves a mix of user batches, the
// one that would be chosen is then run with these, and so on until the choice is one that was.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <set>

#include "tuner/core/units.h"
#include "tuner/search/compile_plan.h"
#include "tuner/search/doubling.h"
#include "tuner/search/ledger.h"
#include "tuner/search/mix.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/race.h"
#include "tuner/search/steps.h"

namespace batchtune {
namespace {

constexpr int kFirstRounds = 3;  // whatever the budget
constexpr std::size_t kHandful =
    6;  // programs beside the anchor: all fit into a round of 2 s if runs are short

// Where not all may be compiled: the smallest batch, which outputs are held against, then what serves the mix best by
// the estimate.
void put_promising_first(std::vector<Candidate>& candidates, const Estimate& estimate,
                         std::span<const UserBatch> mix) {
  const auto promise = [&](const Candidate& candidate) {
    for (const PointEstimate& point : estimate.curve)
      if (point.batch == candidate.batch) return point.throughput * useful_share(mix, candidate.batch);
    return 0.0;
  };
  if (!candidates.empty())
    std::stable_sort(candidates.begin() + 1, candidates.end(),
                     [&](const Candidate& a, const Candidate& b) { return promise(a) > promise(b); });
}

class Exhaustive final : public Strategy {
 public:
  explicit Exhaustive(const Problem& problem);

  Ask ask() override;
  void tell(const Observation& observation) override { ledger_.tell(observation); }

 private:
  void add(const std::vector<Candidate>& candidates);
  void add_user_batches();
  std::optional<Ask> prepare_next(const Candidate& candidate);
  std::optional<Candidate> after(const Candidate& candidate) const;
  std::optional<Ask> measure_handful(const std::vector<Candidate>& handful, bool first);
  bool is_done(const std::vector<TrialId>& live);
  bool is_above_memory(const Candidate& candidate) const;
  AskStop stop() const;

  Problem problem_;
  Ledger ledger_;
  ProbePlan probes_;
  WatchedRule rule_;
  std::vector<std::vector<Candidate>> handfuls_;
  std::set<TrialId> split_;  // compiled batches whose user batches were asked for
  std::size_t current_ = 0;
  Seconds share_begin_ = 0;  // racing seconds spent when the current handful began
  bool cut_short_ = false;   // some handful spent its share of the budget
  bool refused_ = false;     // some candidate would have been a compilation too many
};

Exhaustive::Exhaustive(const Problem& problem)
    : problem_(problem), ledger_(problem_), rule_(problem_.stop_rule) {
  assert(make_stop_rule(problem_.stop_rule, {}) && "no such stop rule: the caller checks names");
  add(problem_.candidates);
  if (!problem_.candidates.empty()) return;
  for (const Estimate& estimate : problem_.groups) {
    std::vector<std::int64_t> batches = problem_.batches;
    if (batches.empty())
      for (std::int64_t batch = 1; batch <= largest_guessed(problem_, estimate); ++batch)
        batches.push_back(batch);
    std::vector<Candidate> candidates;
    for (const std::int64_t batch : batches) candidates.push_back({estimate.group, batch});
    if (problem_.most_compiles > 0) put_promising_first(candidates, estimate, problem_.wishes.user_batches);
    add(candidates);
  }
}

void Exhaustive::add(const std::vector<Candidate>& candidates) {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i % kHandful == 0) handfuls_.emplace_back();
    handfuls_.back().push_back(candidates[i]);
  }
}

// Of the compiled batch that would be chosen now, unless it had them.
void Exhaustive::add_user_batches() {
  if (problem_.wishes.user_batches.empty()) return;
  const TrialId chosen = chosen_so_far(ledger_, problem_);
  if (chosen == 0 || !split_.insert(chosen).second) return;
  std::vector<Candidate> requests;
  for (const UserBatch& user : problem_.wishes.user_batches)
    requests.push_back(split_into(ledger_.at(chosen).candidate, user.batch));
  add(requests);
}

Ask Exhaustive::ask() {
  while (current_ < handfuls_.size()) {
    if (!anchor_ended(ledger_))
      if (auto ask = measure_handful(handfuls_[current_], current_ == 0)) return *ask;
    for (const Entry& entry : ledger_.entries())
      if (entry.live && entry.id != ledger_.anchor()) {
        const TrialId trial = entry.id;
        ledger_.release(trial);
        return AskRelease{trial};
      }
    ++current_;
    share_begin_ = ledger_.racing_spent();
    if (current_ == handfuls_.size() && !anchor_ended(ledger_)) add_user_batches();
  }
  if (auto probe = probes_.next(ledger_, problem_, chosen_so_far(ledger_, problem_))) return *probe;
  return stop();
}

std::optional<Ask> Exhaustive::measure_handful(const std::vector<Candidate>& handful, bool first) {
  const bool splits_later = !problem_.wishes.user_batches.empty() && split_.empty();
  const auto left = static_cast<double>(handfuls_.size() - current_ + splits_later);
  const Seconds spent = ledger_.racing_spent() - share_begin_;
  const Seconds share = (ledger_.racing_left() + spent) / left - spent;
  for (const Candidate& candidate : handful) {
    const Entry* entry = ledger_.find(candidate);
    if ((entry && entry->told) || is_above_memory(candidate)) continue;
    const bool always = first && candidate == handful.front();  // the smallest batch
    if (!always && share <= 0) {
      cut_short_ = true;
      continue;
    }
    if (auto ask = prepare_next(candidate)) return ask;
  }
  std::vector<TrialId> live, needy;
  for (const Candidate& candidate : handful) {
    const Entry* entry = ledger_.find(candidate);
    if (!entry || !entry->live) continue;
    if (ledger_.anchor() == 0) ledger_.fix_anchor(entry->id);
    live.push_back(entry->id);
  }
  if (live.empty()) return std::nullopt;
  if (is_done(live)) return std::nullopt;
  int fewest = kFirstRounds;
  for (const TrialId trial : live) fewest = std::min(fewest, ledger_.at(trial).shared);
  std::stable_sort(live.begin(), live.end(), [&](TrialId a, TrialId b) {
    return ledger_.at(a).shared < ledger_.at(b).shared;
  });
  const bool unfinished = first && fewest < kFirstRounds;  // at least something of each
  if (!unfinished && round_cost(ledger_, live) > share) {
    cut_short_ = true;
    return std::nullopt;
  }
  return AskRound{round_of(ledger_, live, kRaceRound)};
}

// With its compiler started before, and that of the one behind it, where this disturbs nothing. nullopt: it would be a
// compilation too many.
std::optional<Ask> Exhaustive::prepare_next(const Candidate& candidate) {
  if (!may_compile(ledger_, problem_, candidate)) {
    refused_ = cut_short_ = true;
    return std::nullopt;
  }
  if (const auto ahead = compile_before(ledger_, problem_, candidate, after(candidate)))
    return compile(ledger_, *ahead);
  return AskPrepare{ledger_.number(candidate), candidate};
}

std::optional<Candidate> Exhaustive::after(const Candidate& candidate) const {
  bool seen = false;
  for (std::size_t i = current_; i < handfuls_.size(); ++i)
    for (const Candidate& other : handfuls_[i]) {
      if (seen && !ledger_.compiles().is_paid(other)) return other;
      seen |= other == candidate;
    }
  return std::nullopt;
}

bool Exhaustive::is_done(const std::vector<TrialId>& live) {
  StopQuestion question{ledger_.anchor(), {}, problem_.wishes, {}};
  for (const TrialId trial : live) {
    const Candidate& candidate = ledger_.at(trial).candidate;
    question.subjects.push_back({trial, candidate.batch, candidate.group.instances});
  }
  return rule_.done(ledger_, question);
}

// A larger batch than one that ran out of memory would do so too, and each may cost a process.
bool Exhaustive::is_above_memory(const Candidate& candidate) const {
  return std::any_of(ledger_.entries().begin(), ledger_.entries().end(), [&](const Entry& entry) {
    return entry.candidate.group == candidate.group && entry.candidate.batch < candidate.batch &&
           entry.ending.status == TrialStatus::out_of_memory;
  });
}

AskStop Exhaustive::stop() const {
  if (ledger_.anchor() == 0)
    return {SessionEnd::failed, "no candidate ran: see the trials' reasons"};
  if (const auto ended = anchor_ended(ledger_)) return {SessionEnd::failed, *ended};
  if (cut_short_)
    return {SessionEnd::budget,
            fmt::format("{}{} of racing spent in {} rounds",
                        refused_ ? compilations_used(ledger_) + "; " : "",
                        format_seconds(ledger_.racing_spent()), ledger_.rounds().size())};
  return {SessionEnd::converged,
          fmt::format("every batch is measured after {} rounds", ledger_.rounds().size())};
}

}  // namespace

std::unique_ptr<Strategy> make_exhaustive(const Problem& problem, std::uint64_t) {
  return std::make_unique<Exhaustive>(problem);
}

}  // namespace batchtune

// See peer.h.
#include "tuner/search/peers/peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tuner/core/units.h"
#include "tuner/search/compile_plan.h"
#include "tuner/search/ledger.h"
#include "tuner/search/peers/peer_view.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"

namespace batchtune::peers {
namespace {

constexpr int kHurriedRounds = 2;  // of the smallest batch, when the budget is spent already

class Peer final : public Strategy {
 public:
  Peer(const Problem& problem, std::unique_ptr<Policy> policy)
      : problem_(problem), policy_(std::move(policy)), ledger_(problem_) {
    bounds_.resize(problem_.groups.size(), problem_.largest_batch);
  }

  Ask ask() override;
  void tell(const Observation& observation) override;

 private:
  std::optional<Ask> search();
  std::optional<Ask> measure(const Pick& pick);
  std::optional<Ask> finish_anchor();
  std::optional<Pick> next_pick();
  bool is_full() const;
  Seconds cost_of(const Candidate& candidate) const;
  Candidate candidate_of(const Pick& pick) const {
    return {problem_.groups[pick.group].group, pick.batch};
  }
  std::optional<Ask> over(SessionEnd end, std::string reason);

  Problem problem_;
  std::unique_ptr<Policy> policy_;
  Ledger ledger_;
  ProbePlan probes_;
  std::optional<Pick> current_;
  std::vector<Pick> measured_;        // in this order, failed ones too
  std::vector<std::int64_t> bounds_;  // of groups: above it a batch was too expensive
  std::vector<std::int64_t> tops_;    // of groups, once the first batch is known
  Seconds longest_preparation_ = 0;   // of the device: putting a program there may take long
  bool cut_short_ = false;            // the budget refused something
  bool out_of_compiles_ = false;      // Problem::most_compiles did
  bool over_ = false;
  AskStop stop_;
};

Ask Peer::ask() {
  if (!over_)
    if (auto ask = search()) return *ask;
  if (auto probe = probes_.next(ledger_, problem_, chosen_so_far(ledger_, problem_))) return *probe;
  return stop_;
}

void Peer::tell(const Observation& observation) {
  ledger_.tell(observation);
  const auto* preparation = std::get_if<Preparation>(&observation.what);
  if (!preparation) return;
  const Entry& entry = ledger_.at(preparation->trial);
  longest_preparation_ =
      std::max(longest_preparation_, entry.prepare_without_compiler());
}

std::optional<Ask> Peer::search() {
  if (ledger_.entries().empty()) {
    const SmallestCheck check = check_smallest(ledger_, problem_);
    if (check.ask) return *check.ask;
    if (!check.why_not.empty()) return over(SessionEnd::converged, check.why_not);
  }
  if (const auto ended = anchor_ended(ledger_)) return over(SessionEnd::failed, *ended);
  while (true) {
    if (!current_) current_ = next_pick();
    if (!current_) break;
    if (auto ask = measure(*current_)) return ask;
    measured_.push_back(*current_);
    current_.reset();
  }
  if (ledger_.anchor() == 0)
    return over(SessionEnd::failed, "no candidate ran: see the trials' reasons");
  if (auto ask = finish_anchor()) return ask;
  const std::size_t batches = measured_.size();
  if (out_of_compiles_)
    return over(SessionEnd::budget,
                fmt::format("{}, on {} batches", compilations_used(ledger_), batches));
  if (is_full())
    return over(SessionEnd::budget,
                fmt::format("{} batches are prepared, the most allowed", batches));
  if (cut_short_)
    return over(SessionEnd::budget, fmt::format("{} of racing spent on {} batches",
                                                format_seconds(ledger_.racing_spent()), batches));
  return over(SessionEnd::converged,
              fmt::format("{}, after {} batches", policy_->why_done(), batches));
}

// nullopt: it has what it is to get.
std::optional<Ask> Peer::measure(const Pick& pick) {
  const Candidate candidate = candidate_of(pick);
  const Entry* entry = ledger_.find(candidate);
  if (!entry || !entry->told) return AskPrepare{ledger_.number(candidate), candidate};
  if (!entry->live) return std::nullopt;
  if (ledger_.anchor() == 0) ledger_.fix_anchor(entry->id);
  if (entry->id == ledger_.anchor()) return std::nullopt;  // the others' rounds are its own
  if (entry->shared < kPeerVisits) {
    if (round_cost(ledger_, {entry->id}) <= ledger_.racing_left())
      return AskRound{round_of(ledger_, {entry->id}, kShortRound)};
    cut_short_ = true;
  }
  const TrialId trial = entry->id;
  ledger_.release(trial);
  return AskRelease{trial};
}

// It may be the only one that ran.
std::optional<Ask> Peer::finish_anchor() {
  const Entry& anchor = ledger_.at(ledger_.anchor());
  if (anchor.shared >= kPeerVisits) return std::nullopt;
  const bool affordable = round_cost(ledger_, {anchor.id}) <= ledger_.racing_left();
  if (!affordable && anchor.shared >= kHurriedRounds) return std::nullopt;
  return AskRound{round_of(ledger_, {anchor.id}, kShortRound)};
}

std::optional<Pick> Peer::next_pick() {
  if (measured_.empty()) return Pick{0, smallest_batch(problem_)};
  if (tops_.empty()) tops_ = tops_of(ledger_, problem_);
  while (!is_full()) {
    const auto pick = policy_->next(view_of(ledger_, problem_, measured_, bounds_, tops_));
    if (!pick) return std::nullopt;
    out_of_compiles_ = !may_compile(ledger_, problem_, candidate_of(*pick));
    if (out_of_compiles_) return std::nullopt;
    if (cost_of(candidate_of(*pick)) <= ledger_.racing_left()) return pick;
    bounds_[pick->group] = pick->batch - 1;
    cut_short_ = true;
  }
  return std::nullopt;
}

bool Peer::is_full() const {
  return problem_.most_batches > 0 &&
         measured_.size() >= static_cast<std::size_t>(problem_.most_batches);
}

Seconds Peer::cost_of(const Candidate& candidate) const {
  const Seconds run = ledger_.run_seconds(candidate);
  const Seconds anchor =
      ledger_.anchor() == 0 ? 0 : ledger_.run_seconds(ledger_.at(ledger_.anchor()).candidate);
  return std::max(longest_preparation_, kRunsToPrepare * run) +
         kPeerVisits * kRunsPerVisit * (run + anchor);
}

std::optional<Ask> Peer::over(SessionEnd end, std::string reason) {
  over_ = true;
  stop_ = AskStop{end, std::move(reason)};
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Strategy> make_peer(const Problem& problem, std::unique_ptr<Policy> policy) {
  return std::make_unique<Peer>(problem, std::move(policy));
}

}  // namespace batchtune::peers

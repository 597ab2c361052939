// Each ask is found anew from the ledger: is the anchor fixed, does a new candidate lack its first
// rounds, and else which look is worth most. Remembered is only what must not be asked twice.
#include "tuner/search/adaptive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <variant>

#include "tuner/core/units.h"
#include "tuner/search/contest.h"
#include "tuner/search/finals.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/prove.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"
#include "tuner/search/steps.h"
#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

constexpr std::size_t kMostTogether = 5;  // contenders of one round
constexpr double kWorthJoining = 0.5;     // of the round's gain per second
constexpr std::int64_t kLargestTile = 32;
constexpr std::int64_t kFarAbove = 4;  // times the choice: how far it must have been looked
// The model doubts more than replays on made-up and recorded tables bear out (some of its settings
// fit hardly any curve): of choices that it calls wrong with 15 %, fewer than 5 % are.
constexpr double kCaution = 3;
// Where very many batches are as good, one of them is often thought a little better.
constexpr double kLittle = 0.4;    // of the tolerance: the expected loss that is not worth a look
constexpr double kHopeless = 0.8;  // of the best rate: one visit is enough to see that
constexpr int kCalmLooks = 2;      // in a row: one alone is met by luck sooner or later
constexpr std::size_t kBetweenLooks = 8;  // a look at the standing counts after 1/8 more rounds

class Adaptive final : public Strategy {
 public:
  Adaptive(const Problem& problem, std::uint64_t seed)
      : problem_(problem), ledger_(problem_), seed_(seed) {}

  Ask ask() override;
  void tell(const Observation& observation) override;

 private:
  // How sure a backend's choice was when it was last looked at.
  struct Calm {
    TrialId choice = 0;
    int looks = 0;
    std::size_t rounds = 0;  // when it was looked at
  };
  // The best next look of a backend.
  struct Move {
    std::variant<std::monostate, Candidate, RoundRequest> what;  // to prepare; to run; nothing
    double per_second = 0;
  };

  std::optional<Ask> check_smallest_fits();
  std::optional<Ask> race();
  std::optional<Ask> first_looks();
  std::optional<Ask> first_rounds();
  std::optional<Ask> best_look();
  Move round_again(const Contest& contest);
  Move look_elsewhere(const Contest& contest);
  std::optional<Candidate> must_see(const Contest& contest) const;
  bool is_told(const Candidate& candidate) const;
  bool is_settled(const std::string& backend, const Contest& contest);
  std::vector<TrialId> needed();
  const Contest& contest(const std::string& backend);
  bool is_sure(const Standing& standing) const {
    return standing.wrong <= kCaution * (1 - problem_.confidence) ||
           standing.regret <= kLittle * problem_.wishes.tolerance;
  }
  bool may_prepare() const;
  Seconds left() const { return left_to_race(ledger_, problem_); }
  Seconds beside() const;
  std::optional<Ask> over(SessionEnd end, std::string reason);
  std::optional<Ask> conclude_race();
  std::string words_of(const std::string& backend);

  Problem problem_;
  Ledger ledger_;
  std::uint64_t seed_;
  std::map<std::string, Contest> contests_;  // by backend, of the observations so far
  std::map<std::string, Calm> calm_;
  std::set<TrialId> fresh_;  // prepared, and in no round since
  Prover prover_;
  ProbePlan probes_;
  bool racing_over_ = false;
  AskStop stop_;
};

void Adaptive::tell(const Observation& observation) {
  ledger_.tell(observation);
  contests_.clear();
  if (const auto* preparation = std::get_if<Preparation>(&observation.what))
    fresh_.insert(preparation->trial);
  if (const auto* round = std::get_if<Round>(&observation.what)) {
    for (const Visit& visit : round->visits) fresh_.erase(visit.trial);
    for (const RoundFailure& failure : round->failures) fresh_.erase(failure.trial);
  }
}

Ask Adaptive::ask() {
  if (auto ask = check_smallest_fits()) return *ask;
  if (!racing_over_) {
    if (auto ask = race()) return *ask;
    racing_over_ = true;
  }
  if (auto ask = release_contenders(ledger_)) return *ask;
  if (auto probe = probes_.next(ledger_, problem_, chosen_so_far(ledger_, problem_))) return *probe;
  return stop_;
}

// A model that is too large for the limit at batch 1 is asked alone, under the limit, before
// anything else.
std::optional<Ask> Adaptive::check_smallest_fits() {
  if (racing_over_ || !ledger_.entries().empty()) return std::nullopt;
  const SmallestCheck check = check_smallest(ledger_, problem_);
  if (check.ask) return *check.ask;
  if (check.why_not.empty()) return std::nullopt;
  racing_over_ = true;
  return over(SessionEnd::converged, check.why_not);
}

std::optional<Ask> Adaptive::race() {
  if (const auto ended = anchor_ended(ledger_)) return over(SessionEnd::failed, *ended);
  if (left() > 0) {
    for (const Estimate& estimate : problem_.groups)
      if (auto ask = fix_anchor(ledger_, problem_, estimate.group)) return ask;
    if (auto ask = first_looks()) return ask;
    if (auto ask = trim(ledger_, problem_, needed())) {
      contests_.clear();  // the answer is not told
      return ask;
    }
    if (auto ask = first_rounds()) return ask;
    if (auto ask = best_look()) return ask;
  }
  if (auto ask = finish_smallest(ledger_, problem_)) return ask;
  return conclude_race();
}

// The seed of each group, and the smallest batch: a roofline cannot know what caches make of small
// batches, and everything is held against them.
std::optional<Ask> Adaptive::first_looks() {
  for (const Estimate& estimate : problem_.groups) {
    const std::int64_t largest = largest_worth_it(ledger_, problem_, estimate.group, left());
    const auto batches = considered(problem_, std::max(largest, smallest_batch(problem_)));
    if (!entries_of(ledger_, estimate.group).empty() || batches.empty()) continue;
    const auto above = std::upper_bound(batches.begin(), batches.end(), estimate.batch);
    return prepare(ledger_, {estimate.group, above == batches.begin() ? *above : *(above - 1)});
  }
  for (const std::string& backend : backends_of(problem_))
    for (const Estimate& estimate : problem_.groups) {
      if (estimate.group.backend != backend) continue;
      const Candidate smallest{estimate.group, smallest_batch(problem_)};
      if (!ledger_.find(smallest)) return prepare(ledger_, smallest);
      break;
    }
  return std::nullopt;
}

// All that are new share their first rounds, with the choices beside them. What was prepared again
// gets the round that it was prepared for before it may be given up again.
std::optional<Ask> Adaptive::first_rounds() {
  std::vector<TrialId> waiting;
  if (ledger_.anchor() == 0) return std::nullopt;
  double best = 0;
  for (const Entry& entry : ledger_.entries())
    if (ledger_.choosable(entry) && entry.shared >= kFirstVisits)
      best = std::max(best, ledger_.rate(entry));
  for (const Entry& entry : ledger_.entries())
    if (entry.live && entry.id != ledger_.anchor() &&
        (fresh_.count(entry.id) > 0 ||
         (entry.shared < kFirstVisits &&
          !(entry.latency && ledger_.rate(entry) < kHopeless * best))) &&
        round_cost(ledger_, {entry.id}) <= left())
      waiting.push_back(entry.id);
  if (waiting.empty()) return std::nullopt;
  for (const TrialId trial : likely_choices(ledger_, problem_))
    if (ledger_.at(trial).live && std::find(waiting.begin(), waiting.end(), trial) == waiting.end())
      waiting.push_back(trial);
  return AskRound{round_of(ledger_, waiting, kShortRound)};
}

// Of all backends whose choice is not settled, the look that is worth most per second.
std::optional<Ask> Adaptive::best_look() {
  Move best;
  for (const std::string& backend : backends_of(problem_)) {
    const Contest& contest = this->contest(backend);
    if (!contest.choice || is_settled(backend, contest)) continue;
    for (const Move& move : {round_again(contest), look_elsewhere(contest)})
      if (best.what.index() == 0 || move.per_second > best.per_second) best = move;
  }
  if (const auto* candidate = std::get_if<Candidate>(&best.what))
    return prepare(ledger_, *candidate);
  if (const auto* round = std::get_if<RoundRequest>(&best.what)) return AskRound{*round};
  return std::nullopt;
}

// Cost of a round besides contenders.
Seconds Adaptive::beside() const {
  return ledger_.anchor() == 0 ? 0 : visit_seconds(ledger_, ledger_.at(ledger_.anchor()).candidate);
}

// The choice, and those whose visits take most of the doubt away for their time.
Adaptive::Move Adaptive::round_again(const Contest& contest) {
  const Prospect& choice = contest.prospects[*contest.choice];
  std::vector<const Prospect*> live;
  for (const Prospect& prospect : contest.prospects)
    if (prospect.live && prospect.measured && &prospect != &choice) live.push_back(&prospect);
  const auto rate = [](const Prospect& prospect) {
    return prospect.gain / std::max(prospect.visit, 1e-9);
  };
  std::stable_sort(live.begin(), live.end(),
                   [&](const Prospect* a, const Prospect* b) { return rate(*a) > rate(*b); });
  if (choice.live) live.insert(live.begin(), &choice);
  std::vector<TrialId> together;
  double gain = 0;
  Seconds seconds = beside();
  for (const Prospect* prospect : live) {
    const bool joins = prospect->gain > 0 && rate(*prospect) >= kWorthJoining * gain / seconds;
    if (prospect != &choice && !joins) break;
    if (together.size() == kMostTogether) break;
    gain += prospect->gain;
    if (prospect->trial == ledger_.anchor()) continue;  // it is in every round
    seconds += prospect->visit;
    together.push_back(prospect->trial);
  }
  if (together.empty() && choice.trial != ledger_.anchor()) return {};
  if (round_cost(ledger_, together) > left()) return {};
  return {round_of(ledger_, together, kShortRound),
          std::min(gain, contest.standing.regret) / (kFirstVisits * seconds)};
}

Adaptive::Move Adaptive::look_elsewhere(const Contest& contest) {
  if (!may_prepare()) return {};
  const Seconds choice = contest.prospects[*contest.choice].visit;
  const auto must = must_see(contest);
  const Prospect* best = nullptr;
  double most = 0;
  for (const Prospect& prospect : contest.prospects) {
    if (prospect.live) continue;
    const Seconds seconds = prospect.prepare + kFirstVisits * (prospect.visit + choice + beside());
    if (seconds > left()) continue;
    const bool now = is_sure(contest.standing) && prospect.candidate == must;
    const double per_second = (now ? 1 : prospect.gain) / seconds;
    if (per_second <= most) continue;
    best = &prospect;
    most = per_second;
  }
  if (!best) return {};
  return {best->candidate, most};
}

// What must be looked at before the choice is believed: its neighbours and the whole tiles above it
// (kernels work in tiles of up to 32 samples, and looks that happen to miss the steps look smooth),
// and a batch far above it. nullopt: all were seen, or may not be.
std::optional<Candidate> Adaptive::must_see(const Contest& contest) const {
  const Candidate& choice = contest.prospects[*contest.choice].candidate;
  std::int64_t tile = 1;
  while (2 * tile <= std::min(choice.batch, kLargestTile)) tile *= 2;
  const std::array<std::int64_t, 3> beside = {(choice.batch + tile - 1) / tile * tile,
                                              choice.batch + 1, choice.batch - 1};
  std::optional<Candidate> far;
  bool far_seen = false;
  for (const Prospect& prospect : contest.prospects) {
    const Candidate& candidate = prospect.candidate;
    if (candidate.group != choice.group) continue;
    const bool near = std::find(beside.begin(), beside.end(), candidate.batch) != beside.end();
    if (near && !is_told(candidate)) return candidate;
    if (candidate.batch < 2 * choice.batch) continue;
    far_seen |= prospect.measured && candidate.batch >= kFarAbove * choice.batch;
    if (!far || (far->batch < candidate.batch && far->batch < kFarAbove * choice.batch))
      far = candidate;
  }
  return far && !far_seen && !is_told(*far) ? far : std::nullopt;
}

bool Adaptive::is_told(const Candidate& candidate) const {
  const Entry* entry = ledger_.find(candidate);
  return entry && entry->told;
}

// At spaced numbers of rounds, two in a row; what was settled stays so while its choice may be
// chosen: looking again finds luck.
bool Adaptive::is_settled(const std::string& backend, const Contest& contest) {
  Calm& calm = calm_[backend];
  if (calm.looks >= kCalmLooks && ledger_.choosable(ledger_.at(calm.choice))) return true;
  const Prospect& choice = contest.prospects[*contest.choice];
  const std::size_t rounds = ledger_.rounds().size();
  if (rounds < calm.rounds + 1 + calm.rounds / kBetweenLooks) return false;
  const bool sure = is_sure(contest.standing) && ledger_.at(choice.trial).shared >= kFewestRounds &&
                    (!may_prepare() || !must_see(contest));
  calm = {choice.trial, sure ? calm.looks + 1 : 0, rounds};
  return calm.looks >= kCalmLooks;
}

bool Adaptive::may_prepare() const {
  return problem_.most_batches <= 0 ||
         static_cast<int>(ledger_.entries().size()) < problem_.most_batches;
}

std::vector<TrialId> Adaptive::needed() {
  std::vector<TrialId> needed(fresh_.begin(), fresh_.end());
  for (const std::string& backend : backends_of(problem_)) {
    const Contest& contest = this->contest(backend);
    if (contest.choice) needed.push_back(contest.prospects[*contest.choice].trial);
  }
  return needed;
}

const Contest& Adaptive::contest(const std::string& backend) {
  const auto found = contests_.find(backend);
  if (found != contests_.end()) return found->second;
  const std::uint64_t draws = seed_ + ledger_.rounds().size();
  return contests_[backend] = contest_of(ledger_, problem_, backend, left(), draws);
}

std::optional<Ask> Adaptive::conclude_race() {
  if (ledger_.anchor() == 0)
    return over(SessionEnd::failed, "no candidate ran: see the trials' reasons");
  if (likely_choices(ledger_, problem_).empty())
    return over(SessionEnd::converged, "no candidate keeps the limits");
  const auto contends = [&](TrialId trial) { return ledger_.choosable(ledger_.at(trial)); };
  if (auto ask = prover_.next(ledger_, problem_, contends)) return ask;
  bool decided = true;
  std::string words;
  for (const auto& [backend, proven] : prover_.standing()) {
    decided = decided && proven.decided && calm_[backend].looks >= kCalmLooks;
    if (!words.empty()) words += "; ";
    words += words_of(backend);
    if (!proven.words.empty()) words += "; " + proven.words;
  }
  if (decided) return over(SessionEnd::converged, words);
  const std::string spent = may_prepare()
                                ? format_seconds(ledger_.racing_spent()) + " of racing spent"
                                : fmt::format("{} batches prepared", ledger_.entries().size());
  return over(SessionEnd::budget, spent + ": " + words);
}

// "no batch is better than 8 by more than 1 % (97 % sure; expected loss 0.2 %) after 9 batches in
// 31 rounds; the roofline's shape ..."
std::string Adaptive::words_of(const std::string& backend) {
  const Contest& contest = this->contest(backend);
  if (!contest.choice) return "nothing to choose";
  const Prospect& choice = contest.prospects[*contest.choice];
  return fmt::format(
      "{}no batch is better than {} by more than {} % ({:.0f} % sure; expected loss {} %) after {} "
      "batches in {} rounds{}",
      backends_of(problem_).size() > 1 ? backend + ": " : "", choice.candidate.batch,
      format_number(100 * problem_.wishes.tolerance, 2), 100 * (1 - contest.standing.wrong),
      format_number(100 * contest.standing.regret, 2), ledger_.entries().size(),
      ledger_.rounds().size(),
      contest.trust < 0.5 ? "; the roofline's shape, corrected, does not fit what was seen" : "");
}

std::optional<Ask> Adaptive::over(SessionEnd end, std::string reason) {
  stop_ = AskStop{end, std::move(reason)};
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Strategy> make_adaptive(const Problem& problem, std::uint64_t seed) {
  return std::make_unique<Adaptive>(problem, seed);
}

}  // namespace batchtune

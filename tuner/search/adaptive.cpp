// Each ask is found anew from the ledger: is the anchor fixed, does a new candidate lack its first
// rounds, and else which look is worth most. Remembered is only what must not be asked twice.
#include "tuner/search/adaptive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
// Where very many batches are as good, any of them might be a little better. That is not worth
// another look when the expected loss is so much of the tolerance, a better one is less likely than
// not, and none by itself is more likely than the confidence allows.
constexpr double kLittle = 0.8;
constexpr double kLikely = 0.5;
constexpr double kHopeless = 0.8;  // of the best rate: one visit is enough to see that
constexpr int kCalmLooks = 2;      // in a row: one alone is met by luck sooner or later
constexpr std::size_t kBetweenLooks =
    8;  // a look at the standing counts after 1/8 more rounds, ...
constexpr std::size_t kFewestBetween = 3;             // ... but as many at least
constexpr std::uint64_t kApart = 0x9e3779b97f4a7c15;  // seeds of draws that share no numbers

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
    int looks = 0;           // in a row that found this choice sure
    std::size_t rounds = 0;  // when it was looked at
    Standing standing;
    std::int64_t unseen = 0;  // a batch that should be seen, but cannot be any more
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
  std::optional<Ask> seek_any(const std::string& backend);
  Move round_again(const Contest& contest);
  Move look_elsewhere(const Contest& contest);
  bool may_look(const Prospect& prospect, const Contest& contest) const;
  Seconds look_seconds(const Prospect& prospect, const Contest& contest) const;
  bool has_room() const;
  bool is_settled(const std::string& backend, const Contest& contest);
  bool is_calm(const std::string& backend);
  std::vector<TrialId> needed();
  const Contest& contest(const std::string& backend);
  bool is_confident(const Standing& standing) const {
    return standing.wrong <= 1 - problem_.confidence;
  }
  bool is_sure(const Standing& standing) const {
    return is_confident(standing) ||
           (standing.regret <= kLittle * problem_.wishes.tolerance && standing.wrong <= kLikely &&
            standing.likeliest <= 1 - problem_.confidence);
  }
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
  if (!needs_smallest(ledger_, problem_) || may_add(ledger_, problem_))
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
    if (!has_room()) break;
    const auto above = std::upper_bound(batches.begin(), batches.end(), estimate.batch);
    return prepare(ledger_, {estimate.group, above == batches.begin() ? *above : *(above - 1)});
  }
  for (const std::string& backend : backends_of(problem_))
    for (const Estimate& estimate : problem_.groups) {
      if (estimate.group.backend != backend) continue;
      const Candidate smallest{estimate.group, smallest_batch(problem_)};
      if (!ledger_.find(smallest) && may_add(ledger_, problem_)) return prepare(ledger_, smallest);
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
  const bool anchor_waits = !ledger_.at(ledger_.anchor()).latency;
  if (waiting.empty() && !(anchor_waits && round_cost(ledger_, {}) <= left())) return std::nullopt;
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
    if (!contest.choice) {
      if (auto ask = seek_any(backend)) return ask;
      continue;
    }
    if (is_settled(backend, contest)) continue;
    for (const Move& move : {round_again(contest), look_elsewhere(contest)})
      if (best.what.index() == 0 || move.per_second > best.per_second) best = move;
  }
  if (const auto* candidate = std::get_if<Candidate>(&best.what))
    return prepare(ledger_, *candidate);
  if (const auto* round = std::get_if<RoundRequest>(&best.what)) return AskRound{*round};
  return std::nullopt;
}

// Nothing that was seen may be chosen: in each group upwards while throughput grows, and down to
// the smallest batch, which has the lowest latency.
std::optional<Ask> Adaptive::seek_any(const std::string& backend) {
  if (!may_add(ledger_, problem_)) return std::nullopt;
  for (const Estimate& estimate : of_backend(problem_.groups, backend)) {
    const auto points = scan_points(ledger_, entries_of(ledger_, estimate.group));
    const ScanRange range = scan_range(ledger_, problem_, estimate, left());
    const auto batch = next_batch(range, points);
    if (batch && !ledger_.find({estimate.group, *batch}))
      return prepare(ledger_, {estimate.group, *batch});
  }
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

Seconds Adaptive::look_seconds(const Prospect& prospect, const Contest& contest) const {
  const Seconds choice = contest.prospects[*contest.choice].visit;
  return prospect.prepare + kFirstVisits * (prospect.visit + choice + beside());
}

bool Adaptive::may_look(const Prospect& prospect, const Contest& contest) const {
  return prospect.affordable && (prospect.trial != 0 || may_add(ledger_, problem_)) &&
         look_seconds(prospect, contest) <= left();
}

Adaptive::Move Adaptive::look_elsewhere(const Contest& contest) {
  const Prospect& choice = contest.prospects[*contest.choice];
  const Prospect* must = must_see(contest, ledger_);
  const Prospect* best = nullptr;
  double most = 0;
  for (const Prospect& prospect : contest.prospects) {
    if (prospect.live || !may_look(prospect, contest)) continue;
    const bool now = is_sure(contest.standing) && (&prospect == must || &prospect == &choice);
    const double per_second = (now ? 1 : prospect.gain) / look_seconds(prospect, contest);
    if (per_second <= most) continue;
    best = &prospect;
    most = per_second;
  }
  if (!best) return {};
  return {best->candidate, most};
}

// At spaced numbers of rounds, two in a row that find the same choice. What was settled stays so
// while it is the choice: looking again finds luck.
bool Adaptive::is_settled(const std::string& backend, const Contest& contest) {
  if (is_calm(backend)) return true;
  Calm& calm = calm_[backend];
  const TrialId choice = contest.prospects[*contest.choice].trial;
  const std::size_t rounds = ledger_.rounds().size();
  if (rounds < calm.rounds + std::max(kFewestBetween, calm.rounds / kBetweenLooks)) return false;
  const Prospect* must = must_see(contest, ledger_);
  const bool sure = is_sure(contest.standing) && ledger_.at(choice).shared >= kFewestRounds &&
                    !(must && may_look(*must, contest));
  const int before = calm.choice == choice ? calm.looks : 0;
  calm = {choice, sure ? before + 1 : 0, rounds, contest.standing,
          must ? must->candidate.batch : 0};
  return calm.looks >= kCalmLooks;
}

// Whether the choice of now is the one that was found sure.
bool Adaptive::is_calm(const std::string& backend) {
  const Contest& contest = this->contest(backend);
  const Calm& calm = calm_[backend];
  return calm.looks >= kCalmLooks && contest.choice &&
         contest.prospects[*contest.choice].trial == calm.choice;
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
  const std::uint64_t draws = seed_ + kApart * ledger_.rounds().size();
  return contests_[backend] = contest_of(ledger_, problem_, backend, left(), draws);
}

std::optional<Ask> Adaptive::conclude_race() {
  if (ledger_.anchor() == 0)
    return over(SessionEnd::failed, "no candidate ran: see the trials' reasons");
  if (likely_choices(ledger_, problem_).empty())
    return left() > 0 && may_add(ledger_, problem_)
               ? over(SessionEnd::converged, "no candidate keeps the limits")
               : over(SessionEnd::budget, "no candidate that was looked at keeps the limits");
  const auto contends = [&](TrialId trial) { return ledger_.choosable(ledger_.at(trial)); };
  if (auto ask = prover_.next(ledger_, problem_, contends)) return ask;
  bool decided = true;
  std::string words;
  for (const auto& [backend, proven] : prover_.standing()) {
    decided = decided && proven.decided && is_calm(backend) && calm_[backend].unseen == 0;
    if (!words.empty()) words += "; ";
    words += words_of(backend);
    if (!proven.words.empty()) words += "; " + proven.words;
  }
  if (decided) return over(SessionEnd::converged, words);
  const std::string spent = may_add(ledger_, problem_)
                                ? format_seconds(ledger_.racing_spent()) + " of racing spent"
                                : fmt::format("{} batches prepared", ledger_.entries().size());
  return over(SessionEnd::budget, spent + ": " + words);
}

// "no batch is better than 8 by more than 1 % (97 % sure; expected loss 0.2 %) after 9 batches in
// 31 rounds; the roofline's shape ..." The figures are those that the choice was settled by.
std::string Adaptive::words_of(const std::string& backend) {
  const Contest& contest = this->contest(backend);
  if (!contest.choice) return "nothing to choose";
  const bool calm = is_calm(backend);
  const Calm& found = calm_[backend];
  const Standing& standing = calm ? found.standing : contest.standing;
  const std::int64_t batch = contest.prospects[*contest.choice].candidate.batch;
  const Objective objective = problem_.wishes.objective;
  const bool by_rate = objective == Objective::throughput || objective == Objective::cost;
  const bool indifferent = calm && !is_confident(standing);
  const auto percent = [](double share) { return format_number(100 * share, 2); };
  std::string words = backends_of(problem_).size() > 1 ? backend + ": " : "";
  if (indifferent)
    words += fmt::format(
        "no single batch is likely to be better than {}, and what it is expected to "
        "lose is not worth another look; ",
        batch);
  words += fmt::format(
      "no batch{} is better than {} by more than {} %{} ({:.0f} % sure; expected loss {} %) after "
      "{} batches in {} rounds",
      contest.up_to > 0 ? fmt::format(" up to {}", contest.up_to) : "", batch,
      percent(problem_.wishes.tolerance), by_rate ? "" : fmt::format(", by {}", name_of(objective)),
      std::floor(100 * (1 - standing.wrong)), percent(standing.regret), ledger_.entries().size(),
      calm ? found.rounds : ledger_.rounds().size());
  if (calm && found.unseen > 0)
    words += fmt::format(
        "; batch {} should be looked at, too, but that is not allowed or takes too "
        "much of the budget",
        found.unseen);
  if (contest.trust < 0.5 && contest.has_curve)
    words += "; the roofline's shape, corrected, does not fit what was seen";
  return words;
}

// Whether a further seed leaves room for the smallest batches, of which each backend has one.
bool Adaptive::has_room() const {
  const auto known = static_cast<int>(ledger_.entries().size());
  const auto kept = static_cast<int>(backends_of(problem_).size());
  return problem_.most_batches <= 0 || known == 0 || known + kept < problem_.most_batches;
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

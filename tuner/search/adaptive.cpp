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
#include "tuner/search/ascent.h"
#include "tuner/search/compile_plan.h"
#include "tuner/search/contest.h"
#include "tuner/search/finals.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/prove.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"
#include "tuner/search/settling.h"
#include "tuner/search/steps.h"
#include "tuner/search/together.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/rounds.h"

namespace batchtune {
namespace {

constexpr double kBehind = 0.9;     // of the best rate: ...
constexpr int kFewestVisits = 2;    // ... as many visits are enough to see that, if they agree
constexpr std::size_t kFirstCompiled = 3;  // of a group, before the model says who is next
constexpr double kNearlySure = 2;  // times the tolerance: then what must be seen is looked at
constexpr int kRepeatAfter = 6;    // a round is run again unasked once for so many of the choice's
constexpr std::uint64_t kApart = 0x9e3779b97f4a7c15;  // seeds of draws that share no numbers

// By its fastest visit beside the anchor's: a single one that met a disturbance, or whose anchor did
// not, would give a batch up that is the best, and all of a group whose first one it is.
double rate_at_best(const Ledger& ledger, const Entry& entry) {
  const auto ratios = log_ratio_series(ledger.rounds(), ledger.anchor(), entry.id).all();
  if (ratios.empty()) return ledger.rate(entry);
  return ledger.rate(entry) * std::exp(midmean(ratios) - *std::min_element(ratios.begin(), ratios.end()));
}

class Adaptive final : public Strategy {
 public:
  Adaptive(const Problem& problem, std::uint64_t seed)
      : problem_(problem), ledger_(problem_), seed_(seed) {}

  Ask ask() override;
  void tell(const Observation& observation) override;

 private:
  // The best next look of a backend.
  struct Move {
    std::variant<std::monostate, Candidate, RoundRequest> what;  // to prepare; to run; nothing
    double per_second = 0;
    std::optional<Candidate> then;  // the likely next one, to be compiled meanwhile
  };

  std::optional<Ask> check_smallest_fits();
  std::optional<Ask> race();
  std::optional<Ask> first_looks();
  std::optional<Ask> climb();
  std::optional<Ask> first_rounds();
  std::optional<Ask> first_compiled();
  std::optional<Ask> best_look();
  std::optional<Ask> seek_any(const std::string& backend);
  Move round_again(const Contest& contest);
  Move look_elsewhere(const Contest& contest);
  bool may_look(const Prospect& prospect, const Contest& contest) const;
  std::optional<Ask> prepare_or_compile(const Move& move);
  Seconds look_seconds(const Prospect& prospect, const Contest& contest) const;
  bool has_room() const;
  bool is_settled(const std::string& backend, const Contest& contest);
  std::optional<Ask> repeat();
  std::optional<Ask> trim_held();
  const Contest& contest(const std::string& backend);
  Seconds left() const { return left_to_race(ledger_, problem_); }
  Seconds beside() const;
  std::optional<Ask> over(SessionEnd end, std::string reason);
  std::optional<Ask> conclude_race();

  Problem problem_;
  Ledger ledger_;
  std::uint64_t seed_;
  std::map<std::string, Contest> contests_;  // by backend, of the observations so far
  std::map<std::string, Settling> settling_;
  std::set<TrialId> fresh_;        // prepared, and in no round since
  std::vector<TrialId> together_;  // contenders of the last round that was worth most ...
  int repeats_ = 0;                // ... and how often it is run again before anything is weighed
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
    if (auto ask = trim_held()) return ask;
    if (auto ask = first_rounds()) return ask;
    if (auto ask = first_compiled()) return ask;
    if (auto ask = climb()) return ask;
    if (auto ask = repeat()) return ask;
    if (auto ask = best_look()) return ask;
  }
  if (!needs_smallest(ledger_, problem_) || may_add(ledger_, problem_))
    if (auto ask = finish_smallest(ledger_, problem_)) return ask;
  return conclude_race();
}

// The seed of each group, and the smallest batch: a roofline cannot know what caches make of small
// batches, and everything is held against them. Where nothing says what fits: the smallest alone.
std::optional<Ask> Adaptive::first_looks() {
  for (const Estimate& estimate : problem_.groups) {
    const std::int64_t largest = largest_worth_it(ledger_, problem_, estimate.group, left());
    const auto batches = considered(problem_, std::max(largest, smallest_batch(problem_)));
    if (!entries_of(ledger_, estimate.group).empty() || batches.empty()) continue;
    if (ledger_.compiles().counted(estimate.group)) continue;
    if (!has_room()) break;
    if (!memory_is_known(problem_, estimate.group))
      return prepare(ledger_, {estimate.group, batches.front()});
    const auto above = std::upper_bound(batches.begin(), batches.end(), estimate.batch);
    return prepare(ledger_, {estimate.group, above == batches.begin() ? *above : *(above - 1)});
  }
  for (const std::string& backend : backends_of(problem_))
    for (const Estimate& estimate : problem_.groups) {
      if (estimate.group.backend != backend) continue;
      if (ledger_.compiles().counted(estimate.group)) break;
      const Candidate smallest{estimate.group, smallest_batch(problem_)};
      if (!ledger_.find(smallest) && may_add(ledger_, problem_)) return prepare(ledger_, smallest);
      break;
    }
  return std::nullopt;
}

// Where compilations are counted: as `doubling` begins, the smallest, the seed and one far above it.
std::optional<Ask> Adaptive::first_compiled() {
  for (const Estimate& estimate : problem_.groups) {
    if (!ledger_.compiles().counted(estimate.group) || !may_add(ledger_, problem_)) continue;
    if (entries_of(ledger_, estimate.group).size() >= kFirstCompiled) continue;
    const CompilePlan plan = plan_compiles(ledger_, problem_, estimate, left());
    if (!plan.next) continue;
    if (!plan.ahead.empty()) return compile(ledger_, plan.ahead.front());
    return prepare(ledger_, *plan.next);
  }
  return std::nullopt;
}

// Where nothing says what fits, each group is climbed step by step.
std::optional<Ask> Adaptive::climb() {
  if (!may_add(ledger_, problem_)) return std::nullopt;
  for (const Estimate& estimate : problem_.groups)
    if (!ledger_.compiles().counted(estimate.group))  // there memory that ends is an answer
      if (const auto batch = next_up(ledger_, problem_, estimate.group, left()))
        return prepare(ledger_, {estimate.group, *batch});
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
  const auto is_behind = [&](const Entry& entry) {
    return entry.shared >= kFewestVisits && rate_at_best(ledger_, entry) < kBehind * best;
  };
  for (const Entry& entry : ledger_.entries())
    if (entry.live && entry.id != ledger_.anchor() &&
        (fresh_.count(entry.id) > 0 || (entry.shared < kFirstVisits && !is_behind(entry))) &&
        round_cost(ledger_, {entry.id}) <= left())
      waiting.push_back(entry.id);
  const bool anchor_waits = !ledger_.at(ledger_.anchor()).latency;
  if (waiting.empty() && !(anchor_waits && round_cost(ledger_, {}) <= left())) return std::nullopt;
  for (const TrialId trial : likely_choices(ledger_, problem_))
    if (ledger_.at(trial).live && std::find(waiting.begin(), waiting.end(), trial) == waiting.end())
      waiting.push_back(trial);
  return AskRound{round_of(ledger_, waiting, kShortRound)};
}

// A round that was worth most is so for a while; weighing again after each costs more than it
// tells.
std::optional<Ask> Adaptive::repeat() {
  if (repeats_ == 0) return std::nullopt;
  --repeats_;
  const bool live = std::all_of(together_.begin(), together_.end(),
                                [&](TrialId trial) { return ledger_.at(trial).live; });
  if (!live || together_.empty() || round_cost(ledger_, together_) > left()) return std::nullopt;
  return AskRound{round_of(ledger_, together_, kShortRound)};
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
  if (std::holds_alternative<Candidate>(best.what)) return prepare_or_compile(best);
  if (const auto* round = std::get_if<RoundRequest>(&best.what)) {
    together_.clear();
    int most = 0;
    for (const Contender& contender : round->contenders) {
      together_.push_back(contender.trial);
      most = std::max(most, ledger_.at(contender.trial).shared);
    }
    repeats_ = most / kRepeatAfter;
    return AskRound{*round};
  }
  return std::nullopt;
}

// Nothing that was seen may be chosen: in each group upwards while throughput grows, and down to
// the smallest batch, which has the lowest latency.
std::optional<Ask> Adaptive::seek_any(const std::string& backend) {
  if (!may_add(ledger_, problem_)) return std::nullopt;
  for (const Estimate& estimate : of_backend(problem_.groups, backend)) {
    const auto points = scan_points(ledger_, entries_of(ledger_, estimate.group));
    ScanRange range = scan_range(ledger_, problem_, estimate, left());
    range.largest = std::min(range.largest, below_the_wall(ledger_, problem_, estimate.group));
    const auto batch = next_batch(range, points);
    if (batch && !ledger_.find({estimate.group, *batch}) &&
        may_compile(ledger_, problem_, {estimate.group, *batch}))
      return prepare(ledger_, {estimate.group, *batch});
  }
  return std::nullopt;
}

// Cost of a round besides contenders.
Seconds Adaptive::beside() const {
  return ledger_.anchor() == 0 ? 0 : visit_seconds(ledger_, ledger_.at(ledger_.anchor()).candidate);
}

Adaptive::Move Adaptive::round_again(const Contest& contest) {
  const Together best = most_together(ledger_, contest, beside());
  const Prospect& choice = contest.prospects[*contest.choice];
  if (best.trials.empty() && choice.trial != ledger_.anchor()) return {};
  if (round_cost(ledger_, best.trials) > left()) return {};
  return {round_of(ledger_, best.trials, kShortRound),
          std::min(best.gain, contest.standing.regret) / (kFirstVisits * best.seconds), {}};
}

Seconds Adaptive::look_seconds(const Prospect& prospect, const Contest& contest) const {
  const Seconds choice = contest.prospects[*contest.choice].visit;
  return prospect.prepare + kFirstVisits * (prospect.visit + choice + beside());
}

bool Adaptive::may_look(const Prospect& prospect, const Contest& contest) const {
  return prospect.affordable && (prospect.trial != 0 || may_add(ledger_, problem_)) &&
         may_compile(ledger_, problem_, prospect.candidate) &&
         look_seconds(prospect, contest) <= left();
}

// Of new batches each is held against the others with what it waits for a compiler; the best of
// them against rounds without, as these are no way to spend a compiler's minutes.
Adaptive::Move Adaptive::look_elsewhere(const Contest& contest) {
  const Prospect& choice = contest.prospects[*contest.choice];
  const Prospect* must = must_see(contest, ledger_);
  const Prospect* best = nullptr;
  double most = 0, per_second = 0;
  for (const Prospect& prospect : contest.prospects) {
    if (prospect.live || !may_look(prospect, contest)) continue;
    const bool now = contest.standing.regret <= kNearlySure * problem_.wishes.tolerance &&
                     (&prospect == must || &prospect == &choice);
    const Seconds seconds = look_seconds(prospect, contest);
    // What was compiled on a guess is paid: it is looked at while it may be the best.
    const bool paid = prospect.alive && ledger_.compiles().is_pending(prospect.candidate);
    const double gain = now || paid ? 1 : prospect.gain;
    if (gain / (seconds + prospect.compile) <= most) continue;
    best = &prospect;
    most = gain / (seconds + prospect.compile);
    per_second = gain / seconds;
  }
  if (!best) return {};
  const auto may = [&](const Prospect& prospect) { return may_look(prospect, contest); };
  return {best->candidate, per_second, likely_then(ledger_, problem_, contest.prospects, *best, may)};
}

std::optional<Ask> Adaptive::prepare_or_compile(const Move& move) {
  const auto& candidate = std::get<Candidate>(move.what);
  const auto first = compile_before(ledger_, problem_, candidate, move.then);
  if (!first) return prepare(ledger_, candidate);
  contests_.clear();  // it is paid now, and that is not told
  return compile(ledger_, *first);
}

bool Adaptive::is_settled(const std::string& backend, const Contest& contest) {
  Settling& settling = settling_[backend];
  if (settling.is_settled(contest)) return true;
  if (!settling.is_due(ledger_.rounds().size())) return false;
  const Prospect* must = must_see(contest, ledger_);
  settling.look(contest, ledger_, problem_, must && may_look(*must, contest),
                must ? must->candidate.batch : 0);
  return settling.is_settled(contest);
}

// Gives back what is clearly worse, once more are held than there is room for.
std::optional<Ask> Adaptive::trim_held() {
  const auto held = std::count_if(ledger_.entries().begin(), ledger_.entries().end(),
                                  [](const Entry& entry) { return entry.live; });
  if (held <= static_cast<std::ptrdiff_t>(kMostPrograms)) return std::nullopt;
  std::vector<TrialId> needed(fresh_.begin(), fresh_.end());
  for (const TrialId trial : likely_choices(ledger_, problem_)) needed.push_back(trial);
  auto ask = trim(ledger_, problem_, needed);
  if (ask) contests_.clear();  // the answer is not told
  return ask;
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
    const Settling& settling = settling_[backend];
    const Contest& contest = this->contest(backend);
    decided = decided && proven.decided && settling.is_settled(contest) && settling.all_seen();
    if (!words.empty()) words += "; ";
    if (backends_of(problem_).size() > 1) words += backend + ": ";
    words += settling.words(contest, ledger_, problem_);
    if (!proven.words.empty()) words += "; " + proven.words;
  }
  if (decided) return over(SessionEnd::converged, words);
  std::string spent = format_seconds(ledger_.racing_spent()) + " of racing spent";
  if (!may_add(ledger_, problem_))
    spent = fmt::format("{} batches prepared", ledger_.entries().size());
  else if (ledger_.compiles().left() == 0)
    spent = compilations_used(ledger_);
  return over(SessionEnd::budget, spent + ": " + words);
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

// See race.h.
#include "tuner/search/race.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuner/search/alike.h"
#include "tuner/search/mix.h"
#include "tuner/search/proof.h"
#include "tuner/search/verdict.h"

namespace batchtune {
namespace {

constexpr std::size_t kMostFinalists = 6;    // of all backends, ...
constexpr std::size_t kFewestFinalists = 3;  // ... but so many of each
constexpr int kMostRounds = 40;  // an order that is open after as many does not matter, ...
constexpr double kUsualPrecision = 0.01;  // ... unless a tighter precision is asked for

RequestTimes requests_of(const Ledger& ledger) {
  RequestTimes times;
  for (const Entry& entry : ledger.entries())
    if (entry.ok() && entry.latency && !is_whole(entry.candidate)) times[entry.candidate] = *entry.latency;
  return times;
}

Choice choice_of(const Ledger& ledger, const Problem& problem, const Entry& entry) {
  return choice_of(entry.id, entry.candidate, ledger.pooled_rate(entry), problem.wishes.user_batches,
                   problem.wishes.user_batches.empty() ? RequestTimes{} : requests_of(ledger));
}

// Whether a user's batch that was run as such breaks a limit.
bool breaks_as_split(const Ledger& ledger, const Problem& problem, const Candidate& compiled) {
  for (const UserBatch& user : problem.wishes.user_batches)
    if (const Entry* split = ledger.find(split_into(compiled, user.batch)); split && split->ok() && split->latency)
      for (const LatencyLimit& limit : problem.wishes.latency_limits)
        if (looks_broken(judge_at_look(limit, split->visits))) return true;
  return false;
}

Alike alike_of(const Ledger& ledger, const Problem& problem) {
  return alike_by(ledger.rounds(), ledger.anchor(), problem.wishes);
}

std::vector<Choice> choices_of(const Ledger& ledger, const Problem& problem, const std::string& backend) {
  std::vector<Choice> choices;
  for (const Entry& entry : ledger.entries())
    if (entry.candidate.group.backend == backend && is_whole(entry.candidate) && ledger.choosable(entry))
      choices.push_back(choice_of(ledger, problem, entry));
  return choices;
}

double best_rate(const std::vector<Choice>& choices) {
  double best = 0;
  for (const Choice& choice : choices) best = std::max(best, choice.throughput);
  return best;
}

double threshold(const Problem& problem, double best) {
  return problem.wishes.objective == Objective::knee ? best * (1 - problem.wishes.give_up) : best;
}

// As many rounds as the precision needs, by the square root law.
int most_rounds(const Problem& problem) {
  constexpr double kMost = 1e6;
  const double tighter = std::max(1.0, kUsualPrecision / problem.wishes.precision);
  return static_cast<int>(std::min(kMost, kMostRounds * tighter * tighter));
}

// The choice is made by pooled rates, so what rounds say by themselves is moved as these move it.
StopQuestion question_of(const Ledger& ledger, const Problem& problem,
                         const std::vector<TrialId>& contenders) {
  StopQuestion question;
  question.anchor = ledger.anchor();
  question.wishes = problem.wishes;
  std::vector<Choice> choices;
  std::vector<double> pooled;  // rate over own rate
  for (const TrialId trial : contenders) {
    const Entry& entry = ledger.at(trial);
    question.subjects.push_back({trial, entry.candidate.batch, entry.candidate.group.instances});
    choices.push_back(choice_of(ledger, problem, entry));
    pooled.push_back(choices.back().throughput / ledger.rate(entry));
  }
  question.choose = [choices, pooled, wishes = problem.wishes](std::span<const double> own) {
    std::vector<Choice> drawn = choices;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      drawn[i].throughput = own[i] * pooled[i];
      drawn[i].latency = choices[i].latency * choices[i].throughput / drawn[i].throughput;
    }
    return choose(drawn, wishes).value_or(0);
  };
  return question;
}

}  // namespace

bool WatchedRule::done(const Ledger& ledger, const StopQuestion& question) {
  std::vector<TrialId> subjects;
  for (const Subject& subject : question.subjects) subjects.push_back(subject.trial);
  if (!choose_) choose_ = std::make_shared<Choose>();
  *choose_ = question.choose;
  if (!rule_ || subjects != subjects_) {
    StopQuestion current = question;
    if (question.choose)
      current.choose = [choose = choose_](std::span<const double> rates) {
        return (*choose)(rates);
      };
    rule_ = make_stop_rule(name_, current);
    subjects_ = subjects;
    told_ = 0;
  }
  for (; told_ < ledger.raw_rounds().size(); ++told_) rule_->add(ledger.raw_rounds()[told_]);
  return rule_->done();
}

std::vector<std::string> backends_of(const Problem& problem) {
  std::vector<std::string> backends;
  for (const Estimate& estimate : problem.groups)
    if (std::find(backends.begin(), backends.end(), estimate.group.backend) == backends.end())
      backends.push_back(estimate.group.backend);
  return backends;
}

bool keeps_limits(const Entry& entry, const Problem& problem) {
  if (problem.wishes.latency_limits.empty()) return true;
  return !entry.limits.empty() &&
         std::all_of(entry.limits.begin(), entry.limits.end(), [](const LimitVerdict& verdict) {
           return verdict.decision == LimitDecision::kept;
         });
}

std::optional<std::string> anchor_ended(const Ledger& ledger) {
  if (ledger.anchor() == 0) return std::nullopt;
  const Entry& anchor = ledger.at(ledger.anchor());
  if (anchor.ok()) return std::nullopt;
  return fmt::format("the anchor ({}) ended {}", to_string(anchor.candidate),
                     name_of(anchor.ending.status));
}

int scan_rounds(Seconds run) {
  constexpr Seconds kLongRun = 0.3;
  return run > kLongRun ? 2 : 3;
}

std::vector<TrialId> likely_choices(const Ledger& ledger, const Problem& problem) {
  std::vector<Choice> likely;
  for (const std::string& backend : backends_of(problem)) {
    const auto choices = choices_of(ledger, problem, backend);
    if (const auto chosen = choose(choices, problem.wishes, alike_of(ledger, problem)))
      likely.push_back(choices[*chosen]);
  }
  std::stable_sort(likely.begin(), likely.end(),
                   [](const Choice& a, const Choice& b) { return a.throughput > b.throughput; });
  std::vector<TrialId> trials;
  for (const Choice& choice : likely) trials.push_back(choice.trial);
  return trials;
}

// The same steps as in recommend.cpp.
TrialId chosen_so_far(const Ledger& ledger, const Problem& problem) {
  std::optional<Choice> best;
  bool best_proved = false;
  const Alike alike = alike_of(ledger, problem);
  for (const std::string& backend : backends_of(problem)) {
    std::vector<Choice> all, proved;
    for (const Entry& entry : ledger.entries()) {
      if (entry.candidate.group.backend != backend || !is_whole(entry.candidate) || !ledger.usable(entry))
        continue;
      bool broken = breaks_as_split(ledger, problem, entry.candidate), kept = true;
      const auto& mix = problem.wishes.user_batches;
      const auto requests = mix.empty() ? std::vector<VisitSamples>() : as_requests(entry.visits, entry.candidate, mix);
      for (const LatencyLimit& limit : problem.wishes.latency_limits) {
        const LimitVerdict verdict = judge_at_look(limit, mix.empty() ? entry.visits : requests);
        broken |= looks_broken(verdict);
        kept &= verdict.decision == LimitDecision::kept;
      }
      if (broken) continue;
      all.push_back(choice_of(ledger, problem, entry));
      if (kept) proved.push_back(all.back());
    }
    const auto likely = choose(all, problem.wishes, alike);
    if (!likely) continue;
    const auto certain = choose(proved, problem.wishes, alike);
    const bool is_proved = certain.has_value();
    const auto same = [&](const Choice& choice) { return choice.trial == all[*likely].trial; };
    const Choice& chosen = is_proved && std::none_of(proved.begin(), proved.end(), same)
                               ? proved[*certain]
                               : all[*likely];
    if (best &&
        (best_proved != is_proved ? best_proved : !is_better(chosen, *best, problem.wishes)))
      continue;
    best = chosen;
    best_proved = is_proved;
  }
  return best ? best->trial : 0;
}

std::vector<TrialId> finalists(const Ledger& ledger, const Problem& problem,
                               const std::string& backend) {
  auto choices = choices_of(ledger, problem, backend);
  const auto likely = choose(choices, problem.wishes, alike_of(ledger, problem));
  if (!likely) return {};
  const double best = best_rate(choices);
  const double needed = threshold(problem, best);
  std::vector<TrialId> result{choices[*likely].trial};
  std::erase_if(choices, [&](const Choice& choice) {
    return choice.trial == result.front() || choice.throughput < needed * (1 - kNearby);
  });
  // The best decide where the threshold lies, the ones nearest to it who is chosen.
  constexpr std::size_t kBest = 3;
  std::stable_sort(choices.begin(), choices.end(),
                   [](const Choice& a, const Choice& b) { return a.throughput > b.throughput; });
  const auto rest = choices.begin() + static_cast<std::ptrdiff_t>(std::min(kBest, choices.size()));
  std::stable_sort(rest, choices.end(), [&](const Choice& a, const Choice& b) {
    return std::abs(a.throughput - needed) < std::abs(b.throughput - needed);
  });
  const std::size_t most = std::max(kFewestFinalists, kMostFinalists / backends_of(problem).size());
  for (const Choice& choice : choices)
    if (result.size() < most) result.push_back(choice.trial);
  return result;
}

RaceState RaceOrder::state(const Ledger& ledger, const Problem& problem,
                           const std::vector<TrialId>& contenders) {
  RaceState state;
  const int most = most_rounds(problem);
  for (const TrialId trial : contenders)
    if (ledger.at(trial).shared < most) state.needy.push_back(trial);
  std::stable_sort(state.needy.begin(), state.needy.end(),
                   [&](TrialId a, TrialId b) { return ledger.at(a).shared < ledger.at(b).shared; });
  const std::size_t rounds = ledger.rounds().size();
  state.reason =
      fmt::format("the order of {} contenders is open after {} rounds", contenders.size(), rounds);
  const StopQuestion question = question_of(ledger, problem, contenders);
  if (interval_.done(ledger, question) || rank_.done(ledger, question)) {
    state.settled = true;
    state.reason = fmt::format("the choice is settled after {} rounds", rounds);
  } else if (state.needy.empty()) {
    state.settled = true;
    state.reason = fmt::format("{} contenders are too close to be told apart in {} rounds",
                               contenders.size(), rounds);
  }
  return state;
}

RoundRequest round_of(const Ledger& ledger, const std::vector<TrialId>& contenders,
                      Seconds shortest) {
  RoundRequest request;
  request.anchor = ledger.anchor();
  request.sequence = ledger.next_sequence();
  Seconds sum = ledger.run_seconds(ledger.at(ledger.anchor()).candidate);
  int most = 0;
  for (const TrialId trial : contenders) most = std::max(most, ledger.at(trial).shared);
  for (const TrialId trial : contenders) {
    if (trial == ledger.anchor()) continue;
    const Seconds run = ledger.run_seconds(ledger.at(trial).candidate);
    const bool full = kRunsPerVisit * (sum + run) > kLongestRound;
    if (full && !request.contenders.empty()) continue;
    sum += run;
    request.contenders.push_back({trial, 1.0 + most - ledger.at(trial).shared});
  }
  request.seconds = std::clamp(kRunsPerVisit * sum, shortest, kLongestRound);
  return request;
}

Seconds seconds_again(const Ledger& ledger, const Entry& entry) {
  if (entry.live) return 0;
  return std::max(kRunsToPrepare * ledger.run_seconds(entry.candidate),
                  entry.prepare_without_compiler());
}

Seconds round_cost(const Ledger& ledger, const std::vector<TrialId>& contenders) {
  const RoundRequest request = round_of(ledger, contenders, kShortRound);
  Seconds sum = ledger.run_seconds(ledger.at(request.anchor).candidate);
  for (const Contender& contender : request.contenders)
    sum += ledger.run_seconds(ledger.at(contender.trial).candidate);
  return std::max(kRunsPerVisit * sum, request.seconds);
}

}  // namespace batchtune

// See standing.h.
#include "tuner/search/standing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tuner/search/alike.h"
#include "tuner/search/mix.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

// Those that more rounds might show to be better than the chosen one, or as good.
std::vector<TrialId> indistinguishable(const Field& field, const Conclusion& conclusion,
                                       const Facts& facts, const Wishes& wishes) {
  const Alike unresolved = unresolved_by(facts.medians, conclusion.anchor, wishes);
  const bool by_latency = wishes.objective == Objective::latency;
  const Choice& chosen = field.choice();
  std::vector<Choice> like;
  for (const Choice& other : field.choices) {
    const bool is_better =
        by_latency ? other.latency < chosen.latency : other.throughput > chosen.throughput;
    if (other.trial != chosen.trial &&
        (is_better ? unresolved(other, chosen) : unresolved(chosen, other)))
      like.push_back(other);
  }
  std::sort(like.begin(), like.end(), [](const Choice& a, const Choice& b) {
    return std::pair(a.batch, a.trial) < std::pair(b.batch, b.trial);
  });
  std::vector<TrialId> trials;
  for (const Choice& choice : like) trials.push_back(choice.trial);
  return trials;
}

// The nearest measured batches of the chosen one's group.
void add_steps(Verdict& verdict, const Field& field, const Conclusion& conclusion, const Facts& facts) {
  const Trial& chosen = field.trial();
  const auto choice = [&](const Trial& trial) {
    return choice_of(trial.id, trial.candidate, trial.measurement->throughput_undisturbed, facts.mix,
                     facts.requests);
  };
  const Choice own = choice(chosen);
  for (const Trial& trial : conclusion.trials) {
    const std::int64_t batch = trial.candidate.batch;
    if (trial.candidate.group != chosen.candidate.group || !is_measured(trial) ||
        batch == chosen.candidate.batch)
      continue;
    const bool is_above = batch > chosen.candidate.batch;
    auto& step = is_above ? verdict.up : verdict.down;
    if (step && (is_above ? batch > step->batch : batch < step->batch)) continue;
    const Choice other = choice(trial);
    step = Step{batch, other.throughput / own.throughput, other.latency / own.latency};
  }
}

// Where the choice changes while one limit is tightened, by percentiles as seen: each that is
// passed takes a trial out, the slowest first.
Tightening tightening_of(const LatencyLimit& limit, const Field& field, const Facts& facts,
                         const Wishes& wishes, const Alike& alike) {
  std::vector<std::pair<Seconds, Choice>> left;
  for (const Choice& choice : field.choices)
    left.emplace_back(
        quantile(timed_samples(facts.rounds, choice.trial), quantile_of(limit.metric)) *
            static_cast<double>(most_runs(facts.mix, choice.batch)),
        choice);
  std::sort(left.begin(), left.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  Tightening result{limit, 0, 0};
  while (!left.empty()) {
    result.until = left.back().first;
    while (!left.empty() && left.back().first >= result.until) left.pop_back();
    std::vector<Choice> choices;
    for (const auto& [seen, choice] : left) choices.push_back(choice);
    const auto next = choose(choices, wishes, alike);
    result.next = next ? choices[*next].trial : 0;
    if (result.next != field.choice().trial) break;
  }
  return result;
}

void add_slack(Verdict& verdict, const Field& field, const Facts& facts, const Wishes& wishes,
               const Alike& alike) {
  for (const LatencyLimit& limit : wishes.latency_limits) {
    const Tightening tightening = tightening_of(limit, field, facts, wishes, alike);
    const double slack = std::max(0.0, 1 - tightening.until / limit.limit);
    if (verdict.limit_slack && slack >= *verdict.limit_slack) continue;
    verdict.limit_slack = slack;
    verdict.tightening = tightening;
  }
}

}  // namespace

void Field::add(const Trial& trial, const Facts& facts) {
  const auto choice = [&](double rate) {
    return choice_of(trial.id, trial.candidate, rate, facts.mix, facts.requests);
  };
  trials.push_back(&trial);
  choices.push_back(choice(rate_of(trial, facts)));
  own.push_back(choice(trial.measurement->throughput_undisturbed));
}

void add_standing(Verdict& verdict, const Field& field, const Conclusion& conclusion,
                  const Facts& facts, const Wishes& wishes, const Alike& alike) {
  auto others = field.choices;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(field.chosen));
  if (const auto second = choose(others, wishes)) verdict.runner_up = others[*second].trial;
  const auto resampled = resampled_throughputs(field.trials, facts, conclusion.anchor);
  if (!resampled.empty()) {
    const Stability stability = stability_of(field.chosen, field.choices, resampled, wishes, alike);
    verdict.stability = stability.same;
    verdict.expected_regret = stability.expected_regret;
  }
  verdict.indistinguishable = indistinguishable(field, conclusion, facts, wishes);
  add_steps(verdict, field, conclusion, facts);
  add_slack(verdict, field, facts, wishes, alike);
}

}  // namespace batchtune

// See binding.h.
#include "tuner/search/binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tuner/core/units.h"
#include "tuner/search/proof.h"

namespace batchtune {
namespace {

std::string change(double factor) {
  return fmt::format("{:+.2g} %", 100 * (factor - 1));
}

// Every measured trial of the backend, with the choice if nothing were limited.
std::optional<Field> unlimited(const Field& field, const Conclusion& conclusion, const Facts& facts,
                               const Wishes& wishes, const Alike& alike) {
  Field all;
  for (const Trial& trial : conclusion.trials)
    if (is_ranked(trial) &&
        trial.candidate.group.backend == field.trial().candidate.group.backend)
      all.add(trial, facts);
  const auto chosen = choose(all.choices, wishes, alike);
  if (!chosen) return std::nullopt;
  all.chosen = *chosen;
  return all;
}

// The next larger batch than the chosen one is where memory ends.
std::string memory_end_above(const Field& field, const Conclusion& conclusion) {
  const Candidate& chosen = field.trial().candidate;
  for (const Boundary& boundary : conclusion.boundaries)
    if (boundary.group == chosen.group && boundary.largest_fitting == chosen.batch)
      return fmt::format("memory: batch {} does not fit ({})", chosen.batch + 1,
                         name_of(boundary.kind));
  return "";
}

const Choice& best_throughput(const std::vector<Choice>& choices) {
  return *std::max_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return a.throughput < b.throughput;
  });
}

std::string by_knee(const Field& field, const Wishes& wishes) {
  const Choice& chosen = field.own[field.chosen];
  const Choice& best = best_throughput(field.own);
  if (best.latency <= chosen.latency)  // the chosen one, or one that pooled rates do not believe
    return fmt::format("the objective: no smaller batch is within {} of its throughput",
                       format_percent(wishes.give_up));
  return fmt::format("the objective: batch {} adds {} throughput for {} latency", best.batch,
                     change(best.throughput / chosen.throughput),
                     change(best.latency / chosen.latency));
}

std::string by_latency(const Wishes& wishes) {
  if (!wishes.throughput_floor) return "the objective: nothing measured has a lower latency";
  return fmt::format("the wished throughput of {} samples/s: nothing faster has it",
                     format_number(*wishes.throughput_floor, 3));
}

std::string by_objective(const Field& field, const Conclusion& conclusion, const Wishes& wishes) {
  if (wishes.objective == Objective::knee) return by_knee(field, wishes);
  if (wishes.objective == Objective::latency) return by_latency(wishes);
  const Candidate& chosen = field.trial().candidate;
  const bool is_largest =
      std::none_of(conclusion.trials.begin(), conclusion.trials.end(), [&](const Trial& trial) {
        return is_measured(trial) && trial.candidate.group == chosen.group &&
               trial.candidate.batch > chosen.batch;
      });
  return is_largest ? "the largest batch that was measured"
                    : "the objective: neither smaller nor larger batches give more";
}

}  // namespace

std::string name_beside(const Candidate& candidate, const Trial& chosen) {
  return candidate.group == chosen.candidate.group ? fmt::format("batch {}", candidate.batch)
                                                   : to_string(candidate);
}

std::string exclusion_of(const Trial& trial, const std::string& name, const Facts& facts) {
  if (is_over_memory(trial, facts)) {
    const auto limit = format_bytes(static_cast<double>(*facts.memory_limit));
    const auto memory = facts.memory.find(trial.id);
    if (memory == facts.memory.end() || memory->second <= *facts.memory_limit)
      return fmt::format("memory limit {}: {} ran out of it", limit, name);
    return fmt::format("memory limit {}: {} needs {}", limit, name,
                       format_bytes(static_cast<double>(memory->second)));
  }
  for (const LimitVerdict& limit : trial.limits)
    if (looks_broken(limit))
      return fmt::format("{}: {} breaks it", to_string(LatencyLimit{limit.metric, limit.limit}),
                         name);
  if (fails_its_soak(trial, facts))
    return fmt::format("sustained load: {} did not last under it", name);
  return "";
}

std::string binding_of(const Field& field, const Conclusion& conclusion, const Facts& facts,
                       const Wishes& wishes, const Alike& alike) {
  // The knee also moves with the best that a limit takes out.
  if (const auto all = unlimited(field, conclusion, facts, wishes, alike)) {
    const TrialId best = best_throughput(all->choices).trial;
    for (const TrialId id : {all->choice().trial, best})
      for (const Trial* trial : all->trials) {
        if (trial->id != id || id == field.choice().trial) continue;
        const auto words =
            exclusion_of(*trial, name_beside(trial->candidate, field.trial()), facts);
        if (!words.empty()) return words;
      }
  }
  const std::string end = memory_end_above(field, conclusion);
  return end.empty() ? by_objective(field, conclusion, wishes) : end;
}

}  // namespace batchtune

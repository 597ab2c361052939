// See recommend.h.
#include "tuner/search/recommend.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/boundary.h"
#include "tuner/search/proof.h"
#include "tuner/search/verdict.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

// Choices of one backend.
struct Choices {
  std::vector<const Trial*> trials;
  std::vector<Choice> choices;

  void add(const Trial& trial) {
    trials.push_back(&trial);
    choices.push_back({trial.id, trial.candidate.batch, trial.measurement->undisturbed,
                       trial.measurement->throughput_undisturbed});
  }
};

bool keeps_all(const Trial& trial) {
  return std::all_of(trial.limits.begin(), trial.limits.end(), [](const LimitVerdict& verdict) {
    return verdict.decision == LimitDecision::kept;
  });
}

// Of all that break nothing as far as is known, if that leads to one that is proved to keep its
// limits; else of the proved ones, if there are any.
Choices choices_of(const Conclusion& conclusion, const Facts& facts, const std::string& backend,
                   const Wishes& wishes) {
  Choices proved, all;
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.group.backend != backend || !is_measured(trial)) continue;
    if (is_over_memory(trial, facts) || fails_its_soak(trial, facts)) continue;
    if (std::any_of(trial.limits.begin(), trial.limits.end(), looks_broken)) continue;
    all.add(trial);
    if (keeps_all(trial)) proved.add(trial);
  }
  const auto chosen = choose(all.choices, wishes);
  return !chosen || keeps_all(*all.trials[*chosen]) || proved.choices.empty() ? all : proved;
}

// How far the worst limit is missed, as a factor.
struct Miss {
  double factor = 1;
  std::string words;
};

Miss miss_of(const Trial& trial, const Facts& facts) {
  Miss worst;
  const auto samples = timed_samples(facts.rounds, trial.id);
  for (const LimitVerdict& limit : trial.limits) {
    const LatencyLimit wanted{limit.metric, limit.limit};
    const Seconds seen = quantile(samples, quantile_of(limit.metric));
    const double factor = seen / limit.limit;
    if (factor > worst.factor)
      worst = {factor, fmt::format("{} {}, {} x the limit", name_of(wanted.metric),
                                   format_seconds(seen), format_number(factor, 3))};
  }
  const auto memory = facts.memory.find(trial.id);
  if (facts.memory_limit && memory != facts.memory.end()) {
    const double factor =
        static_cast<double>(memory->second) / static_cast<double>(*facts.memory_limit);
    if (factor > worst.factor)
      worst = {factor, fmt::format("memory {}, {} x the limit",
                                   format_bytes(static_cast<double>(memory->second)),
                                   format_number(factor, 3))};
  }
  // Its account keeps the limit, but a probe of a batch that is not larger did not.
  if (worst.words.empty() && is_over_memory(trial, facts))
    worst.words =
        fmt::format("batch {} ran out of memory alone",
                    *bracket_of(facts.probes.at(trial.candidate.group), *facts.memory_limit).fails);
  if (worst.words.empty() && fails_its_soak(trial, facts))
    worst.words = fmt::format("batch {} did not last under sustained load", trial.candidate.batch);
  return worst;
}

// Why nothing was measured at all: the smallest batch that was tried tells it best.
std::string gap_without_measurement(const Conclusion& conclusion, const Facts& facts,
                                    const std::string& backend) {
  const Candidate* smallest = nullptr;
  const Ending* ending = nullptr;
  const auto consider = [&](const Candidate& candidate, const Ending& its) {
    if (candidate.group.backend != backend || its.status == TrialStatus::ok) return;
    if (smallest && smallest->batch <= candidate.batch) return;
    smallest = &candidate;
    ending = &its;
  };
  for (const Trial& trial : conclusion.trials) consider(trial.candidate, trial.ending);
  for (const auto& [group, probes] : facts.probes)
    for (const Probe& probe : probes) consider(probe.candidate, probe.ending);
  if (!smallest) return "nothing was measured";
  std::string words = fmt::format("batch {} ended {}", smallest->batch, name_of(ending->status));
  for (const std::string* part : {&ending->reason, &ending->evidence})
    if (!part->empty()) words += ": " + *part;
  return words;
}

// `memory`: bytes that the candidate needs, where it is memory that is missing and they are known.
std::vector<std::string> levers_for(const CandidateGroup& group, std::int64_t batch,
                                    bool memory_is_missed, std::optional<Bytes> memory) {
  std::vector<std::string> levers;
  if (size_of(group.dtype) > 2) levers.push_back("a smaller data type (bf16)");
  if (memory_is_missed) {
    levers.push_back(memory ? "a memory limit of " + format_bytes(static_cast<double>(*memory))
                            : std::string("a higher memory limit"));
    return levers;
  }
  if (batch > 1) levers.push_back(fmt::format("a batch below {}", batch));
  if (group.instances > 1) levers.push_back("fewer instances with more threads each");
  levers.push_back("a longer latency limit, or a faster device");
  return levers;
}

NothingFits nothing_fits(const Conclusion& conclusion, const Facts& facts,
                         const std::string& backend) {
  NothingFits result;
  double smallest = 0;
  const Trial* nearest = nullptr;
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.group.backend != backend || !is_measured(trial)) continue;
    const Miss miss = miss_of(trial, facts);
    if (nearest && miss.factor >= smallest) continue;
    nearest = &trial;
    smallest = miss.factor;
    result.gap = miss.words;
  }
  if (nearest) {
    result.nearest = nearest->id;
    const auto memory = facts.memory.find(nearest->id);
    const bool is_known = memory != facts.memory.end() && memory->second > facts.memory_limit;
    result.levers = levers_for(nearest->candidate.group, nearest->candidate.batch,
                               is_over_memory(*nearest, facts),
                               is_known ? std::optional(memory->second) : std::nullopt);
    return result;
  }
  result.gap = gap_without_measurement(conclusion, facts, backend);
  for (const auto& [group, probes] : facts.probes)
    if (group.backend == backend && facts.memory_limit && result.levers.empty() &&
        bracket_of(probes, *facts.memory_limit).fails)
      result.levers = levers_for(group, 1, true, std::nullopt);
  return result;
}

// What the reader must know of the chosen trial besides why it was chosen.
std::string reservations(const Trial& trial) {
  std::string words;
  for (const LimitVerdict& limit : trial.limits)
    if (limit.decision == LimitDecision::unproven) words += "; " + words_of(limit);
  if (trial.ending.status == TrialStatus::unstable)
    words += "; its figures are unstable: " + trial.ending.reason;
  return words;
}

// A soak that failed has moved the choice: say from where.
std::string moved_by_soak(const Conclusion& conclusion, const Facts& facts,
                          const std::string& backend) {
  std::string words;
  for (const Trial& trial : conclusion.trials) {
    const Probe* soak =
        trial.candidate.group.backend == backend ? soak_of(trial.candidate, facts) : nullptr;
    if (soak && soak->ending.status != TrialStatus::ok)
      words += fmt::format("; batch {} did not last under sustained load ({})",
                           trial.candidate.batch, soak->ending.reason);
  }
  return words;
}

void add_room(Verdict& verdict, const Trial& trial, const Facts& facts) {
  if (const Probe* soak = soak_of(trial.candidate, facts)) {
    verdict.soaked = Soaked{soak->soak, soak->runs, soak->peak_resident, soak->ending};
    if (soak->memory)
      verdict.soaked->peak = std::max(soak->peak_resident.value_or(0), soak->memory->total());
  }
  const auto memory = facts.memory.find(trial.id);
  if (!facts.memory_limit || memory == facts.memory.end()) return;
  verdict.headroom = static_cast<double>(*facts.memory_limit - memory->second);
  verdict.headroom_share = *verdict.headroom / static_cast<double>(*facts.memory_limit);
}

Verdict verdict_of(const Conclusion& conclusion, const Facts& facts, const std::string& backend,
                   const Wishes& wishes, bool& proven) {
  Verdict verdict;
  verdict.backend = backend;
  verdict.objective = wishes.objective;
  const Choices all = choices_of(conclusion, facts, backend, wishes);
  const auto chosen = choose(all.choices, wishes);
  if (!chosen) {
    verdict.nothing_fits = nothing_fits(conclusion, facts, backend);
    verdict.reason = "nothing keeps the limits: " + verdict.nothing_fits->gap;
    return verdict;
  }
  const Choice& choice = all.choices[*chosen];
  const Trial& trial = *all.trials[*chosen];
  proven = keeps_all(trial);
  verdict.trial = choice.trial;
  verdict.batch = choice.batch;
  verdict.reason = reason_for(choice, all.choices, wishes) + reservations(trial) +
                   moved_by_soak(conclusion, facts, backend);
  auto others = all.choices;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(*chosen));
  if (const auto second = choose(others, wishes)) verdict.runner_up = others[*second].trial;
  const auto resampled = resampled_throughputs(all.trials, facts, conclusion.anchor);
  if (!resampled.empty()) verdict.stability = stability_of(*chosen, all.choices, resampled, wishes);
  add_room(verdict, trial, facts);
  return verdict;
}

}  // namespace

void add_verdicts(Conclusion& conclusion, const SessionHeader& header, const Facts& facts,
                  const Wishes& wishes) {
  std::vector<std::string> backends;  // in the order of the estimates, then of the trials
  const auto add = [&](const std::string& backend) {
    if (std::find(backends.begin(), backends.end(), backend) == backends.end())
      backends.push_back(backend);
  };
  for (const Estimate& estimate : header.estimates) add(estimate.group.backend);
  for (const Trial& trial : conclusion.trials) add(trial.candidate.group.backend);

  double best_throughput = 0;
  for (const std::string& backend : backends) {
    bool proven = true;
    conclusion.verdicts.push_back(verdict_of(conclusion, facts, backend, wishes, proven));
    const Verdict& verdict = conclusion.verdicts.back();
    if (!verdict.trial) continue;
    const double throughput =
        find(conclusion.trials, *verdict.trial)->measurement->throughput_undisturbed;
    const auto& best = conclusion.best;
    if (best && (best->proven != proven ? best->proven : best_throughput >= throughput)) continue;
    conclusion.best = Best{*verdict.trial, backend, verdict.batch, proven};
    best_throughput = throughput;
  }
}

}  // namespace batchtune

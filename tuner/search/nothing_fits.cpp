// See nothing_fits.h.
#include "tuner/search/nothing_fits.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tuner/core/units.h"
#include "tuner/search/bracket.h"
#include "tuner/search/levers.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr char kMoreMemory[] = "a higher memory limit";

void add_latency(Gap& worst, const Trial& trial, const Facts& facts) {
  const auto samples = timed_samples(facts.rounds, trial.id);
  for (const LimitVerdict& limit : trial.limits) {
    const Seconds seen = quantile(samples, quantile_of(limit.metric)) *
                         static_cast<double>(most_runs(facts.mix, trial.candidate.batch));
    const double factor = seen / limit.limit;
    if (factor <= worst.factor) continue;
    worst = {
        Missed::latency, factor,
        fmt::format("{} {}, {} x the limit", name_of(limit.metric), format_seconds(seen),
                    format_number(factor, 3)),
        fmt::format("a longer latency limit ({})", to_string(LatencyLimit{limit.metric, seen}))};
  }
}

void add_memory(Gap& worst, const Trial& trial, const Facts& facts) {
  const auto memory = facts.memory.find(trial.id);
  if (!facts.memory_limit || memory == facts.memory.end()) return;
  const auto bytes = static_cast<double>(memory->second);
  const double factor = bytes / static_cast<double>(*facts.memory_limit);
  if (factor <= worst.factor) return;
  worst = {Missed::memory, factor,
           fmt::format("memory {}, {} x the limit", format_bytes(bytes), format_number(factor, 3)),
           "a memory limit of " + format_bytes(bytes)};
}

void add_throughput(Gap& worst, const Trial& trial, const Facts& facts, const Wishes& wishes) {
  if (wishes.objective != Objective::latency || !wishes.throughput_floor) return;
  const double throughput = choice_of(trial.id, trial.candidate, trial.measurement->throughput_undisturbed,
                                      facts.mix, facts.requests)
                                .throughput;
  const double factor = *wishes.throughput_floor / throughput;
  if (factor <= worst.factor) return;
  worst = {Missed::throughput, factor,
           fmt::format("{} samples/s, {} x what is wished", format_number(throughput, 3),
                       format_number(1 / factor, 3)),
           fmt::format("a wish for {} samples/s", format_number(throughput, 3))};
}

// What a trial misses most.
Gap gap_of(const Trial& trial, const Facts& facts, const Wishes& wishes) {
  Gap worst;
  add_latency(worst, trial, facts);
  add_memory(worst, trial, facts);
  add_throughput(worst, trial, facts, wishes);
  if (!worst.words.empty()) return worst;
  // Its account keeps the limit, but a probe of a batch that is not larger did not.
  if (is_over_memory(trial, facts))
    return {
        Missed::memory, 1,
        fmt::format("batch {} ran out of memory alone",
                    *bracket_of(facts.probes.at(trial.candidate.group), *facts.memory_limit).fails),
        kMoreMemory};
  if (fails_its_soak(trial, facts))
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

}  // namespace

NothingFits why_nothing_fits(const Conclusion& conclusion, const SessionHeader& header,
                             const Facts& facts, const std::string& backend, const Wishes& wishes) {
  NothingFits result;
  Gap smallest;
  const Trial* nearest = nullptr;
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.group.backend != backend || !is_ranked(trial)) continue;
    const Gap gap = gap_of(trial, facts, wishes);
    if (nearest && gap.factor >= smallest.factor) continue;
    nearest = &trial;
    smallest = gap;
  }
  if (nearest) {
    result.nearest = nearest->id;
    result.gap = smallest.words;
    result.levers = levers_for(nearest->candidate, smallest, conclusion.trials, header);
    return result;
  }
  result.gap = gap_without_measurement(conclusion, facts, backend);
  for (const auto& [group, probes] : facts.probes)
    if (group.backend == backend && facts.memory_limit && result.levers.empty() &&
        bracket_of(probes, *facts.memory_limit).fails)
      result.levers =
          levers_for({group, 1}, {Missed::memory, 1, "", kMoreMemory}, conclusion.trials, header);
  return result;
}

}  // namespace batchtune

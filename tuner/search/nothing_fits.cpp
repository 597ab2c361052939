// See nothing_fits.h.
#include "tuner/search/nothing_fits.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tuner/core/units.h"
#include "tuner/search/bracket.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

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

}  // namespace

NothingFits why_nothing_fits(const Conclusion& conclusion, const Facts& facts,
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

}  // namespace batchtune

// See facts.h.
#include "tuner/search/facts.h"

#include <algorithm>

#include "tuner/estimate/correction.h"
#include "tuner/measure/stop_rule.h"
#include "tuner/search/boundary.h"
#include "tuner/search/curve.h"
#include "tuner/search/proof.h"
#include "tuner/search/race.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/promise.h"
#include "tuner/statistics/resample.h"
#include "tuner/statistics/stability.h"

namespace batchtune {
namespace {

std::optional<Bytes> safe_memory_of(const SessionHeader& header) {
  for (const Setting& setting : header.settings.effective)
    if (const auto* bytes = std::get_if<std::int64_t>(&setting.value);
        bytes && setting.name == kSafeMemorySetting)
      return *bytes;
  return std::nullopt;
}

std::vector<VisitSamples> visits_of(const Facts& facts, TrialId trial) {
  std::vector<VisitSamples> visits;
  for (const Round* round : facts.rounds)
    if (auto runs = timed_runs(*round, trial); !runs.empty()) visits.push_back(std::move(runs));
  return visits;
}

}  // namespace

Facts gather(const SessionRecord& record, const Wishes& wishes) {
  Facts facts;
  facts.memory_limit = wishes.memory_limit;
  facts.mix = wishes.user_batches;
  facts.searched = record.header.command != "measure";
  facts.safe_memory = safe_memory_of(record.header);
  for (const Observation& observation : record.observations) {
    if (const auto* preparation = std::get_if<Preparation>(&observation.what)) {
      facts.preparations.push_back(preparation);
    } else if (const auto* round = std::get_if<Round>(&observation.what)) {
      facts.rounds.push_back(round);
      facts.medians.push_back(visit_medians(*round));
    } else if (const auto* probe = std::get_if<Probe>(&observation.what)) {
      facts.probes[probe->candidate.group].push_back(*probe);
    }
  }
  if (static_cast<int>(facts.rounds.size()) >= kFewestRounds)
    facts.resampled = resamplings(static_cast<int>(facts.rounds.size()));
  return facts;
}

Trial* find(std::vector<Trial>& trials, TrialId id) {
  const auto found = std::find_if(trials.begin(), trials.end(),
                                  [&](const Trial& trial) { return trial.id == id; });
  return found == trials.end() ? nullptr : &*found;
}

std::vector<Trial> trials_of(const SessionRecord& record) {
  std::vector<Trial> trials;
  for (const Observation& observation : record.observations) {
    if (const auto* preparation = std::get_if<Preparation>(&observation.what)) {
      Trial* trial = find(trials, preparation->trial);
      if (!trial) trial = &trials.emplace_back();
      trial->id = preparation->trial;
      trial->candidate = preparation->candidate;
      trial->ending = preparation->ending;
      if (preparation->ending.status == TrialStatus::ok)
        trial->prepare_seconds = preparation->prepare_seconds;
    } else if (const auto* round = std::get_if<Round>(&observation.what)) {
      for (const RoundFailure& failure : round->failures)
        if (Trial* trial = find(trials, failure.trial)) trial->ending = failure.ending;
    }
  }
  std::sort(trials.begin(), trials.end(),
            [](const Trial& a, const Trial& b) { return a.id < b.id; });
  return trials;
}

bool is_measured(const Trial& trial) {
  const TrialStatus status = trial.ending.status;
  return trial.measurement && (status == TrialStatus::ok || status == TrialStatus::unstable);
}

bool is_ranked(const Trial& trial) {
  return is_measured(trial) && is_whole(trial.candidate);
}

bool is_choosable(const Trial& trial, const Facts& facts) {
  return is_ranked(trial) && !is_over_memory(trial, facts) && !fails_its_soak(trial, facts) &&
         std::none_of(trial.limits.begin(), trial.limits.end(), looks_broken);
}

namespace {

// The most that its throughput may be, relative to what was found.
double upper_factor(const Measurement& measurement) {
  const double per_sample = measurement.ratio_to_anchor;
  if (!measurement.ratio_ci95 || measurement.ratio_ci95->low <= 0) return 1 + kNearby;
  return std::max(1 + kNearby, per_sample / measurement.ratio_ci95->low);
}

}  // namespace

// A search leaves a candidate that is clearly behind, or that breaks a limit, after its first
// rounds: that its figure is rough then changes nothing, and it stays ok. Where no search chose,
// every figure is asked for.
void mark_unstable(Conclusion& conclusion, const Facts& facts, const Wishes& wishes) {
  std::map<std::string, double> best;  // by backend, as verdicts are
  for (const Trial& trial : conclusion.trials)
    if (is_choosable(trial, facts)) {
      double& known = best[trial.candidate.group.backend];
      known = std::max(known, trial.measurement->throughput_undisturbed *
                                  useful_share(facts.mix, trial.candidate.batch));
    }
  for (Trial& trial : conclusion.trials) {
    if (!trial.measurement) continue;
    const double most = trial.measurement->throughput_undisturbed *
                        useful_share(facts.mix, trial.candidate.batch) * upper_factor(*trial.measurement);
    const double needed = best[trial.candidate.group.backend] * (1 - wishes.give_up);
    if (facts.searched && (!is_choosable(trial, facts) || most < needed)) continue;
    const auto noisy =
        unstable_reason(facts.medians, conclusion.anchor, trial.id, wishes.precision);
    if (noisy) trial.ending = {TrialStatus::unstable, *noisy, "", ""};
  }
}

namespace {

// A user's batch that was run as such and breaks a limit breaks it for the batch that it was split into.
void take_over_broken(std::vector<Trial>& trials, const std::vector<UserBatch>& mix) {
  for (Trial& trial : trials) {
    if (!is_ranked(trial)) continue;
    for (const UserBatch& user : mix) {
      const Trial* split = measured_trial(trials, split_into(trial.candidate, user.batch));
      for (std::size_t i = 0; split && i < split->limits.size(); ++i)
        if (looks_broken(split->limits[i])) trial.limits[i] = split->limits[i];
    }
  }
}

}  // namespace

void add_measurements(Conclusion& conclusion, Facts& facts, const Wishes& wishes) {
  std::vector<Subject> subjects;
  for (const Trial& trial : conclusion.trials)
    subjects.push_back({trial.id, trial.candidate.batch, trial.candidate.group.instances});
  const auto measurements = levels(facts.rounds, conclusion.anchor, subjects);
  for (Trial& trial : conclusion.trials) {
    const auto found = measurements.find(trial.id);
    if (found != measurements.end()) trial.measurement = found->second;
    if (!is_measured(trial)) trial.measurement.reset();
    if (!trial.measurement) continue;
    if (!is_whole(trial.candidate)) facts.requests[trial.candidate] = trial.measurement->undisturbed;
    const auto visits = as_requests(visits_of(facts, trial.id), trial.candidate, facts.mix);
    for (const LatencyLimit& limit : wishes.latency_limits)
      trial.limits.push_back(judge_at_look(limit, visits));
  }
  take_over_broken(conclusion.trials, facts.mix);
}

void pool_rates(const Conclusion& conclusion, const SessionHeader& header, Facts& facts) {
  std::vector<Seen> seen;
  for (const Trial& trial : conclusion.trials)
    if (is_ranked(trial))
      seen.push_back({trial.id, trial.candidate, trial.measurement->throughput_undisturbed});
  const auto looks = looks_of(facts.medians, conclusion.anchor, seen);
  const std::vector<Estimate> estimates = corrected_estimates(header);  // as the search had them
  std::map<std::string, CurveModel> curves;
  facts.pooled = pooled_rates(looks, [&](const std::string& backend) -> const CurveModel& {
    return curves.try_emplace(backend, of_backend(estimates, backend), leading(looks, backend))
        .first->second;
  });
}

// The solo run's peak where there is one. For the memory limit alone also the exact account of the
// racing worker, else the line through the group's solo runs.
void add_memory(Conclusion& conclusion, Facts& facts) {
  for (Trial& trial : conclusion.trials) {
    const auto& probes = facts.probes[trial.candidate.group];
    for (const Probe& probe : probes) {
      if (probe.candidate != trial.candidate || probe.ending.status != TrialStatus::ok) continue;
      if (!probe.memory) continue;
      trial.memory = std::max(trial.memory.value_or(0), probe.memory->total());
      trial.memory_kind = probe.memory->kind;
      Bytes& counted = facts.memory[trial.id];
      counted = std::max(counted, *counted_bytes(probe));
    }
    if (trial.memory) continue;
    if (const auto line = memory_line(probes))
      facts.memory[trial.id] =
          static_cast<Bytes>(line->at(static_cast<double>(trial.candidate.batch)));
    for (const Preparation* preparation : facts.preparations)
      if (preparation->trial == trial.id && preparation->memory &&
          preparation->memory->kind == MemoryKind::account)
        facts.memory[trial.id] = preparation->memory->total();
  }
}

bool is_over_memory(const Trial& trial, const Facts& facts) {
  if (!facts.memory_limit) return false;
  const auto probes = facts.probes.find(trial.candidate.group);
  if (probes != facts.probes.end()) {
    const auto fails = bracket_of(probes->second, *facts.memory_limit).fails;
    if (fails && trial.candidate.batch >= *fails) return true;
  }
  const auto memory = facts.memory.find(trial.id);
  return memory != facts.memory.end() && memory->second > *facts.memory_limit;
}

const Probe* soak_of(const Candidate& candidate, const Facts& facts) {
  const Probe* last = nullptr;
  const auto probes = facts.probes.find(candidate.group);
  if (probes == facts.probes.end()) return nullptr;
  for (const Probe& probe : probes->second)
    if (probe.soak > 0 && probe.candidate == candidate && probe.limit == facts.memory_limit)
      last = &probe;
  return last;
}

bool fails_its_soak(const Trial& trial, const Facts& facts) {
  const auto probes = facts.probes.find(trial.candidate.group);
  return probes != facts.probes.end() &&
         fails_soak(probes->second, trial.candidate.batch, facts.memory_limit);
}

double rate_of(const Trial& trial, const Facts& facts) {
  const auto pooled = facts.pooled.find(trial.id);
  return pooled != facts.pooled.end() ? pooled->second : trial.measurement->throughput_undisturbed;
}

std::vector<std::vector<double>> resampled_throughputs(const std::vector<const Trial*>& trials,
                                                       const Facts& facts, TrialId anchor) {
  std::vector<std::vector<double>> result;
  std::vector<Leveller> levellers;
  for (const Trial* trial : trials) levellers.emplace_back(facts.medians, anchor, trial->id);
  for (const auto& picked : facts.resampled) {
    auto& row = result.emplace_back();
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const auto level = levellers[i].at(picked);
      const Measurement& own = *trials[i]->measurement;
      const double faster = level ? own.undisturbed / level->undisturbed : 1;
      row.push_back(rate_of(*trials[i], facts) * faster);
    }
  }
  return result;
}

}  // namespace batchtune

// See scripted_measurer.h.
#include "tests/search/scripted_measurer.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tests/support/catch.h"
#include "tuner/core/user_batches.h"
#include "tuner/search/driver.h"

namespace batchtune {

Result<Observation> ScriptedMeasurer::prepare(TrialId trial, const Candidate& candidate) {
  ++preparations;
  if (live.count(trial) > 0) misuse.push_back("prepared a trial that is live");
  Preparation preparation;
  preparation.trial = trial;
  preparation.candidate = candidate;
  Observation observation;
  observation.device_time = scene_.prepare;
  const Bytes bytes = scene_.memory(candidate.batch);
  if (const auto found = scene_.endings.find(candidate.batch); found != scene_.endings.end()) {
    preparation.ending = found->second;
  } else if (bytes > scene_.machine) {
    preparation.ending = {TrialStatus::out_of_memory, "the machine is full", "scripted", "host"};
  } else {
    preparation.prepare_seconds = scene_.prepare;
    if (scene_.compile) {
      const std::int64_t split = candidate.group.compiled_batch;
      const bool is_new = compiled.insert(split > 0 ? split : candidate.batch).second;
      preparation.compile_seconds = is_new ? *scene_.compile : 0;
      preparation.prepare_seconds += *preparation.compile_seconds;
      observation.device_time += *preparation.compile_seconds;
    }
    preparation.first_run = latency_of(candidate) * 1.3;
    preparation.memory = MemoryUse{bytes, 0, 0, MemoryKind::account};
    observation.device_time += *preparation.first_run;
    std::mt19937_64 random(scene_.luck_seed * 1000003 + static_cast<std::uint64_t>(preparations));
    luck_[trial] = std::exp(scene_.luck * std::normal_distribution<double>(0, 1)(random));
    live[trial] = candidate;
    most_live = std::max(most_live, live.size());
  }
  observation.what = preparation;
  return observation;
}

Seconds ScriptedMeasurer::latency_of(const Candidate& candidate) const {
  const auto slower = scene_.slower.find(candidate.group.backend);
  const double factor = slower == scene_.slower.end() ? 1 : slower->second;
  const std::int64_t part = candidate.group.compiled_batch;
  if (part == 0) return factor * scene_.latency(candidate.batch);
  const auto splitting = scene_.splitting.find(part);
  return factor * static_cast<double>(runs_of(candidate.batch, part)) * scene_.latency(part) *
         (splitting == scene_.splitting.end() ? 1 : splitting->second);
}

Visit ScriptedMeasurer::visit(TrialId trial, int timed, double disturbance,
                              std::mt19937_64& random) const {
  std::normal_distribution<double> own(0, 1);
  std::bernoulli_distribution slow(scene_.slow_share);
  Visit visit;
  visit.trial = trial;
  visit.warm = 1;
  const Seconds quiet = latency_of(live.at(trial)) * luck_.at(trial);
  for (int run = 0; run < 1 + timed; ++run)
    visit.seconds.push_back(quiet * disturbance * std::exp(scene_.own_noise * own(random)) *
                            (scene_.slow_share > 0 && slow(random) ? scene_.slow_factor : 1));
  return visit;
}

Result<Observation> ScriptedMeasurer::run_round(const RoundRequest& request) {
  if (request.anchor != 0 && live.count(request.anchor) == 0) misuse.push_back("anchor not live");
  if (request.sequence != static_cast<std::uint64_t>(rounds)) misuse.push_back("sequence skips");
  ++rounds;
  std::mt19937_64 random(request.sequence + 1);
  const double disturbance =
      1 + scene_.common_noise * std::uniform_real_distribution<double>(0, 1)(random);
  Round round;
  std::vector<Contender> all = request.contenders;
  const bool has_anchor = std::any_of(all.begin(), all.end(), [&](const Contender& contender) {
    return contender.trial == request.anchor;
  });
  if (request.anchor != 0 && !has_anchor) all.push_back({request.anchor, 1, 0});
  for (const auto& [trial, weight, timed] : all) {
    constexpr int kUsualRuns = 2;
    if (live.count(trial) == 0) {
      misuse.push_back("round with trial " + std::to_string(trial) + " that is not live");
      continue;
    }
    const auto crash = scene_.fails_in_round.find(live.at(trial).batch);
    if (crash != scene_.fails_in_round.end() && ++visited_[trial] == crash->second) {
      round.failures.push_back({trial, {TrialStatus::crashed, "scripted crash", "signal 11", ""}});
      live.erase(trial);
      continue;
    }
    const auto position = static_cast<int>(round.visits.size());
    round.visits.push_back(visit(trial, timed > 0 ? timed : kUsualRuns, disturbance, random));
    round.visits.back().position = position;
  }
  Observation observation;
  for (const Visit& each : round.visits)
    for (const Seconds seconds : each.seconds) observation.device_time += seconds;
  // A round fills its seconds, unless the lengths of its visits are told.
  constexpr Seconds kReferences = 0.03;
  const bool told = !request.contenders.empty() && request.contenders.front().timed > 0;
  observation.device_time = told ? observation.device_time + kReferences
                                 : std::max(observation.device_time, request.seconds);
  observation.what = round;
  return observation;
}

Result<Observation> ScriptedMeasurer::probe(const ProbeRequest& request) {
  const auto& [candidate, limit, soak] = request;
  std::mt19937_64 random(static_cast<std::uint64_t>(++probes));
  Probe probe;
  probe.candidate = candidate;
  probe.limit = limit;
  probe.soak = soak;
  probe.limiter = limit ? scene_.limiter : LimiterKind::none;
  probe.seconds = 0.2;
  Bytes bytes = scene_.memory(candidate.batch);
  if (probe.limiter == LimiterKind::cgroup && scene_.memory_jitter > 0)
    bytes += static_cast<Bytes>(random() % static_cast<std::uint64_t>(scene_.memory_jitter));
  const auto scripted = scene_.probe_endings.find(candidate.batch);
  auto worn = scene_.soak_endings.find(candidate.batch);
  if (soak > 0 && soaks++ >= scene_.bad_soaks) worn = scene_.soak_endings.end();
  if (scripted != scene_.probe_endings.end()) {
    probe.ending = scripted->second;
  } else if (probe.limiter != LimiterKind::none && bytes > *limit) {
    probe.killed = probe.limiter == LimiterKind::cgroup;
    kills += probe.killed;
    probe.ending = {TrialStatus::out_of_memory, "the limit is passed",
                    "wanted " + std::to_string(bytes), probe.killed ? "device" : "host"};
  } else if (soak > 0 && worn != scene_.soak_endings.end()) {
    probe.ending = worn->second;
    probe.seconds += soak / 2;
  } else {
    probe.memory = MemoryUse{bytes, 0, 0, MemoryKind::account};
    probe.peak_resident = bytes;
    probe.runs = 1 + static_cast<int>(soak / scene_.latency(candidate.batch));
    probe.seconds += std::max(soak, scene_.latency(candidate.batch));
  }
  Observation observation;
  observation.what = probe;
  return observation;
}

void ScriptedMeasurer::compile_ahead(const Candidate& candidate) {
  ahead.push_back(candidate);
}

void ScriptedMeasurer::release(TrialId trial) {
  if (live.erase(trial) == 0) misuse.push_back("released a trial that is not live");
}

CandidateGroup test_group() {
  CandidateGroup group;
  group.backend = "scripted";
  group.threads = 2;
  return group;
}

Problem test_problem(std::int64_t seed_batch) {
  Estimate estimate;
  estimate.group = test_group();
  estimate.batch = seed_batch;
  Problem problem;
  problem.groups = {estimate};
  return problem;
}

Played play(const Problem& problem, Measurer& measurer, const char* name, std::uint64_t seed) {
  Played played;
  played.record.header.command = "tune";
  played.record.header.uuid = "test";
  played.record.header.wishes = problem.wishes;
  played.record.header.estimates = problem.groups;
  for (const StrategyEntry& entry : strategies()) {
    if (entry.name != std::string_view(name)) continue;
    const auto strategy = entry.create(problem, seed);
    const auto end = drive(*strategy, measurer, played.record, {});
    REQUIRE(end);
    played.end = end->end;
    played.reason = end->reason;
  }
  REQUIRE_FALSE(played.reason.empty());
  return played;
}

}  // namespace batchtune

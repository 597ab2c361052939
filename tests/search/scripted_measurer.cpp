// See scripted_measurer.h.
#include "tests/search/scripted_measurer.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tests/support/catch.h"
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
    preparation.first_run = scene_.latency(candidate.batch) * 1.3;
    preparation.memory = MemoryUse{bytes, 0, 0, MemoryKind::account};
    observation.device_time += *preparation.first_run;
    live[trial] = candidate;
    most_live = std::max(most_live, live.size());
  }
  observation.what = preparation;
  return observation;
}

Visit ScriptedMeasurer::visit(TrialId trial, int position, double disturbance,
                              std::mt19937_64& random) const {
  std::normal_distribution<double> own(0, 1);
  Visit visit;
  visit.trial = trial;
  visit.position = position;
  visit.warm = 1;
  const Seconds quiet = scene_.latency(live.at(trial).batch);
  for (int run = 0; run < 3; ++run)
    visit.seconds.push_back(quiet * disturbance * std::exp(scene_.own_noise * own(random)));
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
  std::vector<TrialId> trials;
  for (const Contender& contender : request.contenders) trials.push_back(contender.trial);
  if (request.anchor != 0) trials.push_back(request.anchor);
  for (const TrialId trial : trials) {
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
    round.visits.push_back(
        visit(trial, static_cast<int>(round.visits.size()), disturbance, random));
  }
  Observation observation;
  for (const Visit& each : round.visits)
    for (const Seconds seconds : each.seconds) observation.device_time += seconds;
  observation.device_time = std::max(observation.device_time, request.seconds);
  observation.what = round;
  return observation;
}

Result<Observation> ScriptedMeasurer::probe(const ProbeRequest& request) {
  const auto& [candidate, limit, soak] = request;
  ++probes;
  Probe probe;
  probe.candidate = candidate;
  probe.limit = limit;
  probe.soak = soak;
  probe.limiter = limit ? LimiterKind::account : LimiterKind::none;
  probe.seconds = 0.2;
  const Bytes bytes = scene_.memory(candidate.batch);
  if (limit && bytes > *limit) {
    probe.ending = {TrialStatus::out_of_memory, "the limit is passed",
                    "account: wanted " + std::to_string(bytes), "host"};
  } else {
    probe.memory = MemoryUse{bytes, 0, 0, MemoryKind::account};
    probe.seconds += scene_.latency(candidate.batch);
  }
  Observation observation;
  observation.what = probe;
  return observation;
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

Played play(const Problem& problem, Measurer& measurer, const char* name) {
  Played played;
  played.record.header.command = "tune";
  played.record.header.uuid = "test";
  played.record.header.wishes = problem.wishes;
  played.record.header.estimates = problem.groups;
  for (const StrategyEntry& entry : strategies()) {
    if (entry.name != std::string_view(name)) continue;
    const auto strategy = entry.create(problem, 1);
    const auto end = drive(*strategy, measurer, played.record, {});
    REQUIRE(end);
    played.end = end->end;
    played.reason = end->reason;
  }
  REQUIRE_FALSE(played.reason.empty());
  return played;
}

}  // namespace batchtune

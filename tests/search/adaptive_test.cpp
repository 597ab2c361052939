// The adaptive strategy on scripted curves: what it chooses, what that costs, when it stops.
#include <algorithm>
#include <cmath>
#include <set>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"
#include "tuner/search/driver.h"

using namespace batchtune;

namespace {

double d(std::int64_t value) {
  return static_cast<double>(value);
}

Problem throughput_problem(std::int64_t seed_batch) {
  Problem problem = test_problem(seed_batch);
  problem.wishes.objective = Objective::throughput;
  problem.boundary = BoundaryWish::none;
  problem.largest_batch = 256;
  return problem;
}

Seconds saturating(std::int64_t batch) {
  return 0.008 + 0.001 * d(batch);
}

// Small batches stay in the cache: the best is 6, and above 12 a third is lost.
Seconds cached(std::int64_t batch) {
  const double spilled = std::clamp(std::log2(d(batch) / 6), 0.0, 1.0);
  return (0.003 + 0.002 * d(batch)) * (1 + 0.6 * spilled);
}

struct Outcome {
  Played played;
  Conclusion conclusion;
  std::int64_t batch = 0;
};

Outcome outcome_of(const Problem& problem, Measurer& measurer, std::uint64_t seed = 1) {
  Outcome outcome;
  outcome.played = play(problem, measurer, "adaptive", seed);
  outcome.conclusion = conclude(outcome.played.record, problem.wishes);
  if (outcome.conclusion.best) outcome.batch = outcome.conclusion.best->batch;
  return outcome;
}

// Share of the best rate that is lost with `batch`.
double loss(const std::function<Seconds(std::int64_t)>& latency, std::int64_t batch,
            std::int64_t largest) {
  double best = 0;
  for (std::int64_t b = 1; b <= largest; ++b) best = std::max(best, d(b) / latency(b));
  return 1 - d(batch) / latency(batch) / best;
}

}  // namespace

TEST_CASE("adaptive finds the best of a smooth curve in a few batches", "[search][adaptive]") {
  int best = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    ScriptedMeasurer measurer({.latency = cached, .common_noise = 0.3, .own_noise = 0.02});
    const Outcome outcome = outcome_of(throughput_problem(32), measurer, seed);
    INFO("batch " << outcome.batch << ": " << outcome.played.reason);
    CHECK(loss(cached, outcome.batch, 64) <= 0.04);  // the best, or the one below it
    best += loss(cached, outcome.batch, 64) <= 0.02;
    CHECK(measurer.preparations <= 16);
    CHECK(measurer.misuse.empty());
  }
  CHECK(best >= 3);
}

TEST_CASE("adaptive looks at batch 1 and far above its choice before it believes in it",
          "[search][adaptive]") {
  ScriptedMeasurer measurer({.latency = cached, .own_noise = 0.01});
  const Outcome outcome = outcome_of(throughput_problem(6), measurer);
  REQUIRE(outcome.batch > 0);
  std::int64_t smallest = 1000, largest = 0;
  for (const Trial& trial : outcome.conclusion.trials) {
    smallest = std::min(smallest, trial.candidate.batch);
    largest = std::max(largest, trial.candidate.batch);
  }
  CHECK(smallest == 1);
  CHECK(largest >= 4 * outcome.batch);
}

namespace {

// Whatever batch is new is slow in its first round, as beside a neighbour that leaves again.
class SlowAtFirst final : public Measurer {
 public:
  explicit SlowAtFirst(Scene scene) : measurer_(std::move(scene)) {}

  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override {
    return measurer_.prepare(trial, candidate);
  }
  Result<Observation> run_round(const RoundRequest& request) override {
    auto observation = measurer_.run_round(request);
    for (Visit& visit : std::get<Round>(observation->what).visits)
      if (seen_.insert(visit.trial).second && visit.trial != request.anchor)
        for (Seconds& seconds : visit.seconds) seconds *= 1.6;
    return observation;
  }
  Result<Observation> probe(const ProbeRequest& request) override {
    return measurer_.probe(request);
  }
  void release(TrialId trial) override { measurer_.release(trial); }
  void compile_ahead(const Candidate& candidate) override { measurer_.compile_ahead(candidate); }

 private:
  ScriptedMeasurer measurer_;
  std::set<TrialId> seen_;
};

}  // namespace

TEST_CASE("a batch that was disturbed in its first round is not given up", "[search][adaptive]") {
  SlowAtFirst measurer({.latency = cached, .own_noise = 0.005});
  const Outcome outcome = outcome_of(throughput_problem(32), measurer);
  INFO("batch " << outcome.batch << ": " << outcome.played.reason);
  CHECK(loss(cached, outcome.batch, 64) <= 0.04);
}

TEST_CASE("a seed that is far too small does not hold adaptive back", "[search][adaptive]") {
  const auto latency = [](std::int64_t batch) { return 0.02 + 0.0005 * d(batch); };
  ScriptedMeasurer measurer({.latency = latency, .own_noise = 0.01});
  const Outcome outcome = outcome_of(throughput_problem(2), measurer);
  CHECK(loss(latency, outcome.batch, 256) <= 0.03);
}

TEST_CASE("adaptive converges on a quiet machine and says how sure it is", "[search][adaptive]") {
  ScriptedMeasurer measurer({.latency = cached, .own_noise = 0.003});
  const Outcome outcome = outcome_of(throughput_problem(8), measurer);
  CHECK(outcome.played.end == SessionEnd::converged);
  CHECK(outcome.played.reason.find("sure") != std::string::npos);
}

TEST_CASE("the same tells give the same asks of adaptive", "[search][adaptive]") {
  const Problem problem = throughput_problem(8);
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.02});
  const Outcome outcome = outcome_of(problem, measurer);
  for (const StrategyEntry& entry : strategies()) {
    if (entry.name != "adaptive") continue;
    const auto again = entry.create(problem, 1);
    ScriptedMeasurer idle({.latency = saturating});
    SessionRecord record = outcome.played.record;
    const std::size_t told = record.observations.size();
    const auto end = drive(*again, idle, record, {});
    REQUIRE(end);
    CHECK(end->reason == outcome.played.reason);
    CHECK(record.observations.size() == told);
  }
}

TEST_CASE("adaptive prepares no more batches than allowed, and says so", "[search][adaptive]") {
  Problem problem = throughput_problem(8);
  problem.most_batches = 4;
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.02});
  const Outcome outcome = outcome_of(problem, measurer);
  CHECK(measurer.preparations <= 4);
  CHECK(outcome.batch > 1);
}

TEST_CASE("a spent budget ends adaptive with what is known by then", "[search][adaptive]") {
  Problem problem = throughput_problem(8);
  problem.budget.racing = 3;
  ScriptedMeasurer measurer({.latency = saturating, .common_noise = 0.5, .own_noise = 0.1});
  const Outcome outcome = outcome_of(problem, measurer);
  CHECK(outcome.played.end == SessionEnd::budget);
  CHECK(outcome.played.reason.find("spent") != std::string::npos);
  CHECK(outcome.batch > 0);
}

TEST_CASE("adaptive never asks for what is predicted not to fit", "[search][adaptive]") {
  Problem problem = throughput_problem(8);
  problem.wishes.memory_limit = 100'000'000 + 40 * 1'000'000;
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.01});
  const Outcome outcome = outcome_of(problem, measurer);
  for (const Trial& trial : outcome.conclusion.trials) CHECK(trial.candidate.batch <= 40);
  CHECK(loss(saturating, outcome.batch, 40) <= 0.02);
}

TEST_CASE("a batch that runs out of memory ends the looking upwards", "[search][adaptive]") {
  Problem problem = throughput_problem(8);
  ScriptedMeasurer measurer(
      {.latency = saturating, .own_noise = 0.01, .machine = 100'000'000 + 20 * 1'000'000});
  const Outcome outcome = outcome_of(problem, measurer);
  const auto failed = std::count_if(
      outcome.conclusion.trials.begin(), outcome.conclusion.trials.end(),
      [](const Trial& trial) { return trial.ending.status == TrialStatus::out_of_memory; });
  CHECK(failed <= 2);  // once more, halfway
  CHECK(outcome.batch >= 8);
}

TEST_CASE("adaptive keeps a latency limit and proves it", "[search][adaptive]") {
  Problem problem = throughput_problem(32);
  problem.wishes.latency_limits = {{LatencyMetric::p90, 0.025}};
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.01});
  const Outcome outcome = outcome_of(problem, measurer);
  REQUIRE(outcome.conclusion.best);
  CHECK(outcome.conclusion.best->proven);
  CHECK(saturating(outcome.batch) < 0.025);
  CHECK(outcome.batch >= 14);
}

TEST_CASE("adaptive chooses among splits of the CPUs", "[search][adaptive]") {
  Problem problem = throughput_problem(8);
  Estimate other = problem.groups.front();
  other.group.instances = 2;
  other.group.threads = 1;
  problem.groups.push_back(other);
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.01});
  const Outcome outcome = outcome_of(problem, measurer);
  REQUIRE(outcome.conclusion.best);
  for (const Trial& trial : outcome.conclusion.trials)
    if (trial.id == outcome.conclusion.best->trial)
      CHECK(trial.candidate.group.instances == 2);  // its runs take as long: twice the rate
}

TEST_CASE("where nothing runs adaptive fails with words", "[search][adaptive]") {
  Problem problem = throughput_problem(4);
  Scene scene{.latency = saturating};
  for (std::int64_t batch = 1; batch <= 256; ++batch)
    scene.endings[batch] = {TrialStatus::crashed, "signal 11", "signal 11", ""};
  ScriptedMeasurer measurer(scene);
  const Outcome outcome = outcome_of(problem, measurer);
  CHECK(outcome.played.end == SessionEnd::failed);
}

TEST_CASE("adaptive never asks a released candidate to run", "[search][adaptive]") {
  const auto flat = [](std::int64_t batch) { return 0.002 * d(batch); };
  for (const std::uint64_t seed : {1, 2, 3}) {
    Problem problem = throughput_problem(16);
    problem.budget.racing = 30;
    ScriptedMeasurer measurer({.latency = flat, .common_noise = 0.2, .own_noise = 0.05});
    const Outcome outcome = outcome_of(problem, measurer, seed);
    CHECK(measurer.misuse.empty());
    CHECK(measurer.most_live <= 9);  // the ones that are held, and a new one
  }
}

TEST_CASE("adaptive looks above its first batches where only larger ones reach the floor",
          "[search][adaptive]") {
  Problem problem = throughput_problem(4);
  problem.wishes.objective = Objective::latency;
  problem.wishes.throughput_floor = 700;  // from 19 on
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.005});
  const Outcome outcome = outcome_of(problem, measurer);
  CHECK(outcome.batch >= 18);
  CHECK(outcome.batch <= 22);
}

TEST_CASE("adaptive looks at small batches of every split where the first ones break a limit",
          "[search][adaptive]") {
  Problem problem = throughput_problem(16);
  Estimate other = problem.groups.front();
  other.group.backend = "other";
  other.group.instances = 2;
  problem.groups = {other};
  other.group.instances = 1;
  problem.groups.push_back(other);
  problem.wishes.latency_limits = {{LatencyMetric::p90, 0.0105}};  // batch 1 and 2 keep it
  ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.002});
  const Outcome outcome = outcome_of(problem, measurer);
  CHECK(outcome.batch >= 1);
  CHECK(outcome.batch <= 2);
}

TEST_CASE("adaptive runs what lies between a seed and a batch 1 that both crash",
          "[search][adaptive]") {
  Scene scene{.latency = saturating, .own_noise = 0.01};
  for (const std::int64_t batch : {1, 16})
    scene.endings[batch] = {TrialStatus::crashed, "signal 11", "signal 11", ""};
  ScriptedMeasurer measurer(scene);
  Problem problem = throughput_problem(16);
  problem.largest_batch = 16;
  CHECK(outcome_of(problem, measurer).batch > 1);
}

TEST_CASE("adaptive does not call converged what it could not look at", "[search][adaptive]") {
  const auto slow = [](std::int64_t batch) { return 0.3 + 0.05 * d(batch); };
  Problem problem = throughput_problem(4);
  problem.budget.racing = 30;
  ScriptedMeasurer measurer({.latency = slow, .own_noise = 0.005});
  const Outcome outcome = outcome_of(problem, measurer);
  CHECK(loss(slow, outcome.batch, 256) > 0.02);
  CHECK(outcome.played.end == SessionEnd::budget);
}

TEST_CASE("adaptive keeps to so few batches that not all seeds have room", "[search][adaptive]") {
  for (const int most : {1, 2, 3}) {
    Problem problem = throughput_problem(64);
    for (const int instances : {2, 4}) {
      Estimate other = problem.groups.front();
      other.group.instances = instances;
      problem.groups.push_back(other);
    }
    problem.most_batches = most;
    ScriptedMeasurer measurer({.latency = saturating, .own_noise = 0.02});
    const Outcome outcome = outcome_of(problem, measurer);
    CHECK(outcome.conclusion.trials.size() <= static_cast<std::size_t>(most));
    CHECK(outcome.batch >= 1);
    CHECK(outcome.played.end == SessionEnd::budget);
  }
}

TEST_CASE("converged adaptive is as sure as was asked, or says why it stopped",
          "[search][adaptive]") {
  for (const std::uint64_t seed : {1, 2, 3, 4})
    for (const double noise : {0.003, 0.03}) {
      ScriptedMeasurer measurer({.latency = cached, .common_noise = 0.2, .own_noise = noise});
      const Outcome outcome = outcome_of(throughput_problem(8), measurer, seed);
      INFO(outcome.played.reason);
      if (outcome.played.end != SessionEnd::converged) continue;
      const std::size_t at = outcome.played.reason.find(" % sure");
      REQUIRE(at != std::string::npos);
      const int sure =
          std::stoi(outcome.played.reason.substr(outcome.played.reason.rfind('(', at) + 1));
      const bool says_why =
          outcome.played.reason.find("not worth another look") != std::string::npos;
      CHECK((sure >= 95 || says_why));
    }
}

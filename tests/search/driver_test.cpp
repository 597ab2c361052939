// drive(): storing, interrupting, resuming from every prefix.
#include "tuner/search/driver.h"

#include <atomic>
#include <string>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"

using namespace batchtune;

namespace {

Scene scene() {
  return {.latency = [](std::int64_t b) { return 0.004 + 0.0005 * static_cast<double>(b); },
          .common_noise = 0.2,
          .own_noise = 0.01};
}

std::unique_ptr<Strategy> strategy_for(const Problem& problem) {
  return strategies().front().create(problem, 1);
}

std::string words(const Observation& observation) {
  if (const auto* preparation = std::get_if<Preparation>(&observation.what))
    return "prepare " + to_string(preparation->candidate);
  if (const auto* probe = std::get_if<Probe>(&observation.what))
    return (probe->soak > 0 ? "soak " : "probe ") + to_string(probe->candidate);
  std::string text = "round";
  for (const Visit& visit : std::get<Round>(observation.what).visits)
    text += " " + std::to_string(visit.trial);
  return text;
}

// Rounds are drawn from their sequence number: a measurer that begins in the middle must know it.
class Resumed final : public Measurer {
 public:
  explicit Resumed(Scene scene) : inner(std::move(scene)) {}
  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override {
    return inner.prepare(trial, candidate);
  }
  Result<Observation> run_round(const RoundRequest& request) override {
    inner.rounds = static_cast<int>(request.sequence);
    return inner.run_round(request);
  }
  Result<Observation> probe(const ProbeRequest& request) override { return inner.probe(request); }
  void release(TrialId trial) override { inner.release(trial); }
  ScriptedMeasurer inner;
};

}  // namespace

TEST_CASE("resuming from every prefix asks and ends as the whole run did", "[search][driver]") {
  Problem problem = test_problem(6);
  problem.budget.racing = 20;  // every prefix plays the whole session again
  problem.wishes.latency_limits = {{LatencyMetric::p90, 0.012}};
  problem.wishes.memory_limit = 400'000'000;
  problem.boundary = BoundaryWish::probed;
  problem.soak = 2;
  ScriptedMeasurer measurer(scene());
  const Played whole = play(problem, measurer);
  const std::size_t count = whole.record.observations.size();
  REQUIRE(count > 20);
  for (std::size_t prefix = 0; prefix <= count; ++prefix) {
    INFO("prefix " << prefix);
    SessionRecord record = whole.record;
    record.observations.resize(prefix);
    record.anchor = 0;
    Resumed resumed(scene());
    int stored = 0;
    DriverHooks hooks;
    hooks.store = [&](const Observation&) {
      ++stored;
      return Status{};
    };
    const auto strategy = strategy_for(problem);
    const auto end = drive(*strategy, resumed, record, hooks);
    REQUIRE(end);
    CHECK(end->reason == whole.reason);
    CHECK(record.anchor == whole.record.anchor);
    CHECK(resumed.inner.misuse.empty());
    REQUIRE(record.observations.size() == count);
    CHECK(stored == static_cast<int>(count - prefix));
    for (std::size_t i = 0; i < count; ++i)
      CHECK(words(record.observations[i]) == words(whole.record.observations[i]));
  }
}

TEST_CASE("observations are stored before the strategy is told, with the anchor known",
          "[search][driver]") {
  ScriptedMeasurer measurer(scene());
  SessionRecord record;
  std::size_t stored = 0;
  DriverHooks hooks;
  hooks.store = [&](const Observation& observation) {
    CHECK(record.observations.size() == stored++);
    if (kind_of(observation) == "round") CHECK(record.anchor != 0);
    return Status{};
  };
  const auto strategy = strategy_for(test_problem(6));
  REQUIRE(drive(*strategy, measurer, record, hooks));
  CHECK(stored == record.observations.size());
}

TEST_CASE("a full disk ends the run with the store's error", "[search][driver]") {
  ScriptedMeasurer measurer(scene());
  SessionRecord record;
  DriverHooks hooks;
  hooks.store = [](const Observation&) -> Status {
    return environment_error("room for a row", "disk full", "/data/batchtune.db");
  };
  const auto strategy = strategy_for(test_problem(6));
  const auto end = drive(*strategy, measurer, record, hooks);
  REQUIRE_FALSE(end);
  CHECK(end.error().found == "disk full");
  CHECK(record.observations.empty());
}

TEST_CASE("an interruption ends after the observation in hand", "[search][driver]") {
  ScriptedMeasurer measurer(scene());
  SessionRecord record;
  std::atomic<bool> interrupted{false};
  DriverHooks hooks;
  hooks.interrupted = &interrupted;
  hooks.store = [&](const Observation&) {
    interrupted = record.observations.size() == 4;
    return Status{};
  };
  const auto strategy = strategy_for(test_problem(6));
  const auto end = drive(*strategy, measurer, record, hooks);
  REQUIRE(end);
  CHECK(end->end == SessionEnd::interrupted);
  CHECK(record.observations.size() == 5);
}

TEST_CASE("stored observations that the strategy does not ask for are refused",
          "[search][driver]") {
  ScriptedMeasurer measurer(scene());
  Played whole = play(test_problem(6), measurer);
  SessionRecord record = whole.record;
  const auto strategy = strategy_for(test_problem(8));  // another seed batch
  const auto end = drive(*strategy, measurer, record, {});
  REQUIRE_FALSE(end);
  CHECK(end.error().kind == ErrorKind::environment);
  CHECK(end.error().found.find("batch 6") != std::string::npos);
  CHECK(end.error().found.find("batch 8") != std::string::npos);
}

TEST_CASE("a contender that cannot be prepared again has failed in its next round",
          "[search][driver]") {
  const Problem problem = test_problem(6);
  ScriptedMeasurer measurer(scene());
  const Played whole = play(problem, measurer);
  SessionRecord record = whole.record;
  std::size_t last_round = 0;
  for (std::size_t i = 0; i < record.observations.size(); ++i)
    if (kind_of(record.observations[i]) == "round") last_round = i;
  record.observations.resize(last_round);
  TrialId victim = 0;
  Candidate candidate;
  for (const Visit& visit : std::get<Round>(whole.record.observations[last_round].what).visits)
    if (visit.trial != whole.record.anchor) victim = visit.trial;
  for (const Observation& observation : record.observations)
    if (const auto* preparation = std::get_if<Preparation>(&observation.what))
      if (preparation->trial == victim) candidate = preparation->candidate;
  Scene broken = scene();
  broken.endings[candidate.batch] = {TrialStatus::crashed, "signal 11", "", ""};
  Resumed resumed(broken);
  const auto strategy = strategy_for(problem);
  REQUIRE(drive(*strategy, resumed, record, {}));
  const auto& round = std::get<Round>(record.observations[last_round].what);
  REQUIRE(round.failures.size() == 1);
  CHECK(round.failures[0].trial == victim);
  CHECK(resumed.inner.misuse.empty());
}

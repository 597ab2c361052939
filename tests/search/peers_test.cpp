// The ways of other tuners: what each picks on curves whose best is known, and what all must keep.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"
#include "tuner/search/peers/hypervolume.h"
#include "tuner/search/peers/peer.h"
#include "tuner/search/peers/peers.h"

using namespace batchtune;

namespace {

constexpr const char* kPeers[] = {"powers-of-two", "hill-climb", "golden", "bayes", "random"};

double d(std::int64_t value) {
  return static_cast<double>(value);
}

// Throughput rises to a peak near `peak` and falls slowly from there.
Scene hump(double peak) {
  return {.latency = [=](std::int64_t b) {
    return 0.001 * (1 + d(b) / 4 + d(b) * d(b) / (peak * peak));
  }};
}

Problem throughput_problem(std::int64_t largest_listed = 0) {
  Problem problem = test_problem(8);
  problem.wishes.objective = Objective::throughput;
  problem.boundary = BoundaryWish::none;
  problem.budget.racing = 1000;  // scripted rounds take half a second each
  for (std::int64_t batch = 1; batch <= largest_listed; ++batch) problem.batches.push_back(batch);
  return problem;
}

std::set<std::int64_t> prepared(const Played& played) {
  std::set<std::int64_t> batches;
  for (const Observation& observation : played.record.observations)
    if (const auto* preparation = std::get_if<Preparation>(&observation.what))
      batches.insert(preparation->candidate.batch);
  return batches;
}

Seconds racing_seconds(const Played& played) {
  Seconds sum = 0;
  for (const Observation& observation : played.record.observations)
    if (!std::holds_alternative<Probe>(observation.what)) sum += observation.device_time;
  return sum;
}

// Throughput lost by the concluded batch against the best of 1 .. largest.
double loss(const Played& played, const Scene& scene, std::int64_t largest) {
  const Conclusion conclusion = conclude(played.record, played.record.header.wishes);
  if (!conclusion.best) return 1;
  const auto rate = [&](std::int64_t batch) { return d(batch) / scene.latency(batch); };
  double best = 0;
  for (std::int64_t batch = 1; batch <= largest; ++batch) best = std::max(best, rate(batch));
  return 1 - rate(conclusion.best->batch) / best;
}

std::string asked(const Played& played) {
  std::string words;
  for (const Observation& observation : played.record.observations) {
    words += kind_of(observation);
    if (const auto* preparation = std::get_if<Preparation>(&observation.what))
      words += " " + to_string(preparation->candidate);
    words += "\n";
  }
  return words;
}

}  // namespace

TEST_CASE("every peer finds a good batch of a smooth hump, within what its grid allows",
          "[search][peers]") {
  for (const double peak : {5.0, 20.0, 60.0}) {
    const Scene scene = hump(peak);
    for (const char* name : kPeers) {
      CAPTURE(name, peak);
      ScriptedMeasurer measurer(scene);
      const Played played = play(throughput_problem(128), measurer, name);
      CHECK(played.end == SessionEnd::converged);
      CHECK(measurer.misuse.empty());
      CHECK(measurer.most_live <= 2);
      const std::string_view way = name;
      const bool exact = way == "golden" || way == "bayes";
      const double allowed = exact ? 0.005 : way == "random" ? 0.2 : 0.03;
      CHECK(loss(played, scene, 128) <= allowed);
    }
  }
}

TEST_CASE("without a list the peers search as far as ten batches could be paid for",
          "[search][peers]") {
  const Scene scene = hump(40);
  for (const char* name : kPeers) {
    CAPTURE(name);
    Problem problem = throughput_problem();
    problem.budget.racing = 100;
    ScriptedMeasurer measurer(scene);
    const Played played = play(problem, measurer, name);
    CHECK(measurer.misuse.empty());
    CHECK(loss(played, scene, 4096) <= 0.2);
    CHECK(racing_seconds(played) <= 100);
  }
}

TEST_CASE("each batch that a peer looks at is visited ten times beside the anchor",
          "[search][peers]") {
  for (const char* name : kPeers) {
    CAPTURE(name);
    ScriptedMeasurer measurer(hump(20));
    const Played played = play(throughput_problem(64), measurer, name);
    const Conclusion conclusion = conclude(played.record, played.record.header.wishes);
    REQUIRE(conclusion.trials.size() > 3);
    for (const Trial& trial : conclusion.trials) {
      REQUIRE(trial.measurement);
      if (trial.id == conclusion.anchor) continue;
      CHECK(trial.measurement->visits == peers::kPeerVisits);
    }
  }
}

TEST_CASE("the same tells and seed give the same asks, another seed other batches by chance",
          "[search][peers]") {
  Scene scene = hump(20);
  scene.own_noise = 0.02;
  for (const char* name : kPeers) {
    CAPTURE(name);
    ScriptedMeasurer first(scene), second(scene);
    const Played played = play(throughput_problem(256), first, name);
    CHECK(asked(played) == asked(play(throughput_problem(256), second, name)));
    // Told again, as when a session is resumed.
    for (const StrategyEntry& entry : strategies()) {
      if (entry.name != name) continue;
      const auto strategy = entry.create(throughput_problem(256), 1);
      for (const Observation& observation : played.record.observations) {
        Ask ask = strategy->ask();
        while (std::holds_alternative<AskRelease>(ask)) ask = strategy->ask();
        if (const auto* preparation = std::get_if<Preparation>(&observation.what)) {
          REQUIRE(std::holds_alternative<AskPrepare>(ask));
          CHECK(std::get<AskPrepare>(ask).candidate == preparation->candidate);
        }
        strategy->tell(observation);
      }
      Ask ask = strategy->ask();
      while (std::holds_alternative<AskRelease>(ask)) ask = strategy->ask();
      CHECK(std::holds_alternative<AskStop>(ask));
    }
  }
  const auto drawn = [&](std::uint64_t seed) {
    ScriptedMeasurer measurer(scene);
    return prepared(play(throughput_problem(256), measurer, "random", seed));
  };
  CHECK(drawn(1) != drawn(2));
}

TEST_CASE("a small budget ends every peer in time and is named", "[search][peers]") {
  Scene scene{.latency = [](std::int64_t b) { return 0.05 + 0.02 * d(b); }};
  for (const char* name : kPeers) {
    CAPTURE(name);
    Problem problem = throughput_problem(512);
    problem.budget.racing = 20;
    ScriptedMeasurer measurer(scene);
    const Played played = play(problem, measurer, name);
    CHECK(played.end == SessionEnd::budget);
    CHECK(racing_seconds(played) <= 20);
    CHECK(conclude(played.record, problem.wishes).best);
  }
}

TEST_CASE("no peer prepares more batches than allowed", "[search][peers]") {
  for (const char* name : kPeers) {
    CAPTURE(name);
    Problem problem = throughput_problem(512);
    problem.most_batches = 3;
    ScriptedMeasurer measurer(hump(60));
    const Played played = play(problem, measurer, name);
    CHECK(played.end == SessionEnd::budget);
    CHECK(measurer.preparations == 3);
    CHECK(played.reason.find("3 batches") != std::string::npos);
  }
}

TEST_CASE("only allowed batches are asked for, and none above the largest", "[search][peers]") {
  for (const char* name : kPeers) {
    CAPTURE(name);
    Problem problem = throughput_problem();
    problem.batches = {2, 3, 7, 12, 24, 48, 100, 200};
    problem.largest_batch = 100;
    ScriptedMeasurer measurer(hump(30));
    const Played played = play(problem, measurer, name);
    const std::set<std::int64_t> batches = prepared(played);
    CHECK(batches.size() >= 3);
    for (const std::int64_t batch : batches) {
      CHECK(std::find(problem.batches.begin(), problem.batches.end(), batch) !=
            problem.batches.end());
      CHECK(batch <= 100);
    }
    CHECK(loss(played, hump(30), 100) < 0.1);
  }
}

TEST_CASE("nothing that is predicted not to fit is prepared, and a wall is met once",
          "[search][peers]") {
  for (const char* name : kPeers) {
    CAPTURE(name);
    Problem limited = throughput_problem(512);
    limited.wishes.memory_limit = 150'000'000;  // batch 50
    ScriptedMeasurer measurer(hump(200));
    Played played = play(limited, measurer, name);
    CHECK(*prepared(played).rbegin() <= 50);
    CHECK(conclude(played.record, limited.wishes).best);

    Scene wall = hump(200);
    wall.memory = [](std::int64_t b) { return b > 37 ? Bytes{1} << 60 : Bytes{1000}; };
    ScriptedMeasurer full(wall);
    played = play(throughput_problem(512), full, name);
    std::vector<std::int64_t> failed;
    for (const Trial& trial : conclude(played.record, limited.wishes).trials)
      if (trial.ending.status == TrialStatus::out_of_memory)
        failed.push_back(trial.candidate.batch);
    // Never again at or above one that ran out of memory.
    CHECK(std::is_sorted(failed.rbegin(), failed.rend()));
    const Conclusion conclusion = conclude(played.record, {});
    REQUIRE(conclusion.best);
    CHECK(conclusion.best->batch <= 37);
  }
}

TEST_CASE("batches that fail are passed over", "[search][peers]") {
  Scene scene = hump(20);
  scene.endings[1] = {TrialStatus::unsupported, "not one", "scripted", ""};
  scene.endings[16] = {TrialStatus::crashed, "scripted", "signal 11", ""};
  scene.fails_in_round[8] = 3;
  for (const char* name : kPeers) {
    CAPTURE(name);
    ScriptedMeasurer measurer(scene);
    const Played played = play(throughput_problem(64), measurer, name);
    CHECK(measurer.misuse.empty());
    const bool starts_at_one =
        std::string_view(name) == "powers-of-two" || std::string_view(name) == "hill-climb";
    // Their makers' ways end where the first one fails.
    CHECK((played.end == SessionEnd::failed) == starts_at_one);
  }
}

TEST_CASE("a latency limit moves the peers' choice below it", "[search][peers]") {
  Problem problem = throughput_problem(256);
  const Scene scene = hump(100);
  problem.wishes.latency_limits = {{LatencyMetric::p50, scene.latency(24) * 1.01}};
  for (const char* name : kPeers) {
    CAPTURE(name);
    ScriptedMeasurer measurer(scene);
    const Conclusion conclusion = conclude(play(problem, measurer, name).record, problem.wishes);
    REQUIRE(conclusion.best);
    CHECK(conclusion.best->batch <= 24);
    CHECK(conclusion.best->batch >= 8);
  }
}

TEST_CASE("all groups are searched, and the best of them is found", "[search][peers]") {
  Problem problem = throughput_problem(64);
  Estimate two = problem.groups.front();
  two.group.instances = 2;
  two.group.threads = 1;
  problem.groups.push_back(two);
  for (const char* name : kPeers) {
    CAPTURE(name);
    ScriptedMeasurer measurer(hump(20));  // two instances give twice as much
    const Played played = play(problem, measurer, name);
    CHECK(measurer.misuse.empty());
    const Conclusion conclusion = conclude(played.record, problem.wishes);
    REQUIRE(conclusion.best);
    for (const Trial& trial : conclusion.trials)
      if (trial.id == conclusion.best->trial) CHECK(trial.candidate.group.instances == 2);
  }
}

TEST_CASE("powers of two go on for as long as four tries gain five percent", "[search][peers]") {
  ScriptedMeasurer measurer(
      {.latency = [](std::int64_t b) { return 0.001 * std::max(8.0, d(b)); }});
  const Played played = play(throughput_problem(1024), measurer, "powers-of-two");
  CHECK(prepared(played) == std::set<std::int64_t>{1, 2, 4, 8, 16, 32, 64});
}

TEST_CASE("the hill climb measures three neighbours and steps where they pull", "[search][peers]") {
  // Throughput doubles with the batch: gains 0.67, 1.2, 1.56 over 1 + 2 + 3 steps pull by 0.57: two
  // steps, to batch 4.
  ScriptedMeasurer measurer({.latency = [](std::int64_t) { return 0.001; }});
  Problem problem = throughput_problem(1024);
  problem.most_batches = 5;
  const Played played = play(problem, measurer, "hill-climb");
  CHECK(prepared(played) == std::set<std::int64_t>{1, 2, 4, 8, 16});
}

TEST_CASE("added area is what a point dominates beyond the others", "[search][peers]") {
  using peers::AreaPoint;
  const std::vector<AreaPoint> front{{1, 2}, {3, 4}};
  const AreaPoint reference{5, 0};
  CHECK(peers::dominated_area(front, reference) == Approx(2 * 2 + 2 * 4));
  CHECK(peers::added_area(front, {2, 3}, reference) == Approx(1));
  CHECK(peers::added_area(front, {3, 3}, reference) == Approx(0));
  CHECK(peers::added_area(front, {6, 9}, reference) == Approx(0));
  CHECK(peers::added_area({}, {1, 2}, reference) == Approx(8));
}

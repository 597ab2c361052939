// The default strategy on scripted curves: what it chooses, what it asks, when it stops.
#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"

using namespace batchtune;

namespace {

using Curve = std::function<Seconds(std::int64_t)>;

struct Shape {
  std::string name;
  Curve latency;
  std::int64_t largest;  // of interest: where the truth is looked for
};

double d(std::int64_t value) {
  return static_cast<double>(value);
}

// Families with random parameters: saturating, humped, stepped, with a cliff, flat.
std::vector<Shape> shapes(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const double start = std::exp(uniform(std::log(2e-4), std::log(5e-3)));
  const double sample = start / uniform(1, 12);
  const double peak = uniform(6, 40);
  const double cliff = std::floor(uniform(9, 50));
  const std::int64_t step = std::int64_t{1} << (random() % 4);
  return {
      {"saturating", [=](std::int64_t b) { return start + sample * d(b); }, 4096},
      {"hump",
       [=](std::int64_t b) { return start + sample * d(b) + start * d(b) * d(b) / (peak * peak); },
       1024},
      {"cliff", [=](std::int64_t b) { return (start + sample * d(b)) * (d(b) > cliff ? 1.5 : 1); },
       4096},
      {"steps",
       [=](std::int64_t b) { return start / 2 + sample * d((b + step - 1) / step * step); }, 4096},
      {"flat", [=](std::int64_t b) { return start * d(b); }, 4096},
  };
}

// The best throughput that any batch has.
double best_rate(const Shape& shape) {
  double best = 0;
  for (std::int64_t b = 1; b <= shape.largest; ++b) best = std::max(best, d(b) / shape.latency(b));
  return best;
}

// Share of the best throughput that the recommended batch gives up.
double loss(const Shape& shape, const Conclusion& conclusion) {
  REQUIRE(conclusion.best);
  const std::int64_t batch = conclusion.best->batch;
  return 1 - d(batch) / shape.latency(batch) / best_rate(shape);
}

Problem problem_for(std::uint64_t seed, Objective objective) {
  Problem problem = test_problem(1 + static_cast<std::int64_t>(seed * 7 % 40));
  problem.wishes.objective = objective;
  return problem;
}

std::vector<TrialStatus> statuses(const Conclusion& conclusion) {
  std::vector<TrialStatus> result;
  for (const Trial& trial : conclusion.trials) result.push_back(trial.ending.status);
  return result;
}

}  // namespace

TEST_CASE("without noise the choice loses at most 2 % of the best throughput",
          "[search][strategy]") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed)
    for (const Shape& shape : shapes(seed)) {
      INFO(shape.name << ", seed " << seed);
      const Problem problem = problem_for(seed, Objective::throughput);
      ScriptedMeasurer measurer({.latency = shape.latency});
      const Played played = play(problem, measurer);
      const Conclusion conclusion = conclude(played.record, problem.wishes);
      if (shape.name != "cliff") CHECK(loss(shape, conclusion) <= 0.02);
      CHECK(played.end != SessionEnd::failed);
      CHECK(measurer.misuse.empty());
      CHECK(measurer.most_live <= 9);
    }
}

TEST_CASE("the knee gives up at most what was allowed, for a smaller batch", "[search][strategy]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const Shape& shape : shapes(seed)) {
      INFO(shape.name << ", seed " << seed);
      const Problem problem = problem_for(seed, Objective::knee);
      ScriptedMeasurer measurer({.latency = shape.latency});
      const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
      if (shape.name != "cliff")
        CHECK(loss(shape, conclusion) <= 0.02 + 0.02);  // of the best that was found
      if (shape.name == "flat") CHECK(conclusion.best->batch == 1);
    }
}

TEST_CASE("a peak before a cliff is mostly found, although nothing points to it",
          "[search][strategy]") {
  std::vector<double> losses;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    const Shape shape = shapes(seed)[2];
    const Problem problem = problem_for(seed, Objective::throughput);
    ScriptedMeasurer measurer({.latency = shape.latency});
    losses.push_back(loss(shape, conclude(play(problem, measurer).record, problem.wishes)));
  }
  std::sort(losses.begin(), losses.end());
  CHECK(losses[losses.size() / 2] <= 0.01);
  CHECK(losses[losses.size() * 8 / 10] <= 0.02);
}

TEST_CASE("mild noise that a round shares costs little", "[search][strategy]") {
  std::vector<double> losses;
  for (std::uint64_t seed = 1; seed <= 8; ++seed)
    for (const Shape& shape : shapes(seed)) {
      const Problem problem = problem_for(seed, Objective::throughput);
      ScriptedMeasurer measurer({.latency = shape.latency, .common_noise = 0.3, .own_noise = 0.01});
      losses.push_back(loss(shape, conclude(play(problem, measurer).record, problem.wishes)));
      CHECK(measurer.misuse.empty());
    }
  std::sort(losses.begin(), losses.end());
  CHECK(losses[losses.size() / 2] <= 0.01);
  CHECK(losses[losses.size() * 95 / 100] <= 0.025);
  CHECK(losses.back() <= 0.04);
}

TEST_CASE("batch 1 is prepared and measured whatever the seed", "[search][strategy]") {
  for (const std::int64_t seed : {1, 5, 100, 3000}) {
    ScriptedMeasurer measurer({.latency = [](std::int64_t b) { return 0.001 + 0.0005 * d(b); }});
    const Problem problem = test_problem(seed);
    const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
    const auto one = std::find_if(conclusion.trials.begin(), conclusion.trials.end(),
                                  [](const Trial& trial) { return trial.candidate.batch == 1; });
    REQUIRE(one != conclusion.trials.end());
    REQUIRE(one->measurement);
    CHECK(one->measurement->visits >= 6);
  }
}

TEST_CASE("a model whose batch 1 takes half a second is done within the racing budget",
          "[search][strategy]") {
  for (const double sample : {0.3, 0.45, 0.6}) {
    ScriptedMeasurer measurer(
        {.latency = [=](std::int64_t b) { return sample * (0.1 + 0.9 * d(b)); }, .prepare = 0.5});
    const Problem problem = test_problem(5);
    const Played played = play(problem, measurer);
    Seconds racing = 0;
    for (const Observation& observation : played.record.observations)
      if (!std::holds_alternative<Probe>(observation.what)) racing += observation.device_time;
    CHECK(racing <= 66);
    const Conclusion conclusion = conclude(played.record, problem.wishes);
    REQUIRE(conclusion.best);
    CHECK(conclusion.best->batch <= 8);
    const auto& anchor = conclusion.trials[static_cast<std::size_t>(conclusion.anchor) - 1];
    CHECK(anchor.candidate.batch == 1);  // no run is as short as 0.2 s
    int measured = 0;
    for (const Trial& trial : conclusion.trials) measured += trial.measurement.has_value();
    CHECK(measured >= 3);
  }
}

TEST_CASE("the anchor is the first candidate with a short run and stays it", "[search][strategy]") {
  ScriptedMeasurer measurer({.latency = [](std::int64_t b) { return 0.03 * d(b); }});
  const Played played = play(test_problem(20), measurer);  // from 16: 0.48 s, 0.24 s, 0.12 s
  const Conclusion conclusion = conclude(played.record, {});
  CHECK(conclusion.trials[static_cast<std::size_t>(conclusion.anchor) - 1].candidate.batch == 4);
  for (const Observation& observation : played.record.observations)
    if (const auto* round = std::get_if<Round>(&observation.what))
      CHECK(std::any_of(round->visits.begin(), round->visits.end(),
                        [&](const Visit& visit) { return visit.trial == conclusion.anchor; }));
}

TEST_CASE("a median latency limit leads to the largest batch that keeps it", "[search][strategy]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const double sample = 0.0003 * d(static_cast<std::int64_t>(seed));
    const auto latency = [=](std::int64_t b) { return 0.004 + sample * d(b); };
    Problem problem = test_problem(16);
    problem.wishes.objective = Objective::throughput;
    problem.wishes.latency_limits = {{LatencyMetric::p50, 0.020}};
    ScriptedMeasurer measurer({.latency = latency});
    const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
    REQUIRE(conclusion.best);
    CHECK(conclusion.best->proven);
    CHECK(latency(conclusion.best->batch) <= 0.020);
    const auto most = static_cast<std::int64_t>(0.016 / sample);
    const double truth = d(most) / latency(most);
    CHECK(d(conclusion.best->batch) / latency(conclusion.best->batch) >= 0.98 * truth);
  }
}

TEST_CASE("a latency limit that not even batch 1 keeps is found quickly", "[search][strategy]") {
  Problem problem = test_problem(32);
  problem.wishes.latency_limits = {{LatencyMetric::p50, 0.001}};
  ScriptedMeasurer measurer({.latency = [](std::int64_t b) { return 0.002 + 0.001 * d(b); }});
  const Played played = play(problem, measurer);
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  CHECK_FALSE(conclusion.best);
  REQUIRE(conclusion.verdicts.size() == 1);
  REQUIRE(conclusion.verdicts[0].nothing_fits);
  const auto& nearest = *conclusion.verdicts[0].nothing_fits;
  CHECK(conclusion.trials[static_cast<std::size_t>(nearest.nearest) - 1].candidate.batch == 1);
  CHECK(nearest.gap == "p50 3.00 ms, 3.00 x the limit");
  CHECK_FALSE(nearest.levers.empty());
}

TEST_CASE("a machine that runs out of memory ends the way up, not the session",
          "[search][strategy]") {
  ScriptedMeasurer measurer({.latency = [](std::int64_t b) { return 0.01 + 0.0005 * d(b); },
                             .machine = Bytes{137'000'000}});  // batch 37 is the last
  Problem problem = test_problem(16);
  problem.wishes.objective = Objective::throughput;
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  REQUIRE(conclusion.best);
  CHECK(conclusion.best->batch >= 34);
  CHECK(conclusion.best->batch <= 37);
  const auto all = statuses(conclusion);
  CHECK(std::count(all.begin(), all.end(), TrialStatus::out_of_memory) >= 1);
}

TEST_CASE("candidates that crash or give wrong results are kept as such and never chosen",
          "[search][strategy]") {
  Scene scene{.latency = [](std::int64_t b) { return 0.01 + 0.0005 * d(b); }};
  scene.endings[16] = {TrialStatus::wrong_result, "differs from batch 1", "", ""};
  scene.fails_in_round[32] = 2;
  ScriptedMeasurer measurer(scene);
  const Problem problem = test_problem(8);
  const Played played = play(problem, measurer);
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  REQUIRE(conclusion.best);
  CHECK(conclusion.best->batch != 16);
  CHECK(conclusion.best->batch != 32);
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.batch == 16) CHECK(trial.ending.status == TrialStatus::wrong_result);
    if (trial.candidate.batch == 32) CHECK(trial.ending.status == TrialStatus::crashed);
    const TrialStatus status = trial.ending.status;
    CHECK(trial.measurement.has_value() ==
          (status == TrialStatus::ok || status == TrialStatus::unstable));
  }
  CHECK(measurer.misuse.empty());
}

TEST_CASE("a session whose anchor crashes fails at once and keeps the first reason",
          "[search][strategy]") {
  for (const char* name : {"doubling", "exhaustive"})
    for (const int round : {1, 3}) {
      INFO(name << ", round " << round);
      Problem problem = test_problem(8);
      problem.batches = {1, 2, 4, 8, 12, 16, 20, 24, 28};
      Scene scene{.latency = [](std::int64_t b) { return 0.01 + 0.0005 * d(b); }};
      const std::int64_t anchor = std::string(name) == "doubling" ? 8 : 1;
      scene.fails_in_round[anchor] = round;
      ScriptedMeasurer measurer(scene);
      const Played played = play(problem, measurer, name);
      CHECK(played.end == SessionEnd::failed);
      CHECK(played.reason.find("the anchor (") == 0);
      CHECK(played.reason.find("crashed") != std::string::npos);
      CHECK(measurer.rounds == round);
      CHECK(measurer.misuse.empty());
      for (const Trial& trial : conclude(played.record, {}).trials)
        if (trial.candidate.batch == anchor) CHECK(trial.ending.evidence == "signal 11");
    }
}

TEST_CASE("when nothing runs the session fails and says why", "[search][strategy]") {
  Scene scene{.latency = [](std::int64_t b) { return 0.01 * d(b); }};
  for (std::int64_t b = 1; b <= 64; ++b)
    scene.endings[b] = {TrialStatus::unsupported, "no kernel for softmax", "", ""};
  ScriptedMeasurer measurer(scene);
  const Played played = play(test_problem(8), measurer);
  CHECK(played.end == SessionEnd::failed);
  const Conclusion conclusion = conclude(played.record, {});
  CHECK_FALSE(conclusion.best);
  CHECK(conclusion.verdicts[0].reason.find("no kernel for softmax") != std::string::npos);
}

TEST_CASE("only batches of the list are asked for", "[search][strategy]") {
  const std::vector<std::int64_t> list{3, 6, 7, 20, 48};
  for (const char* name : {"doubling", "exhaustive"}) {
    Problem problem = test_problem(10);
    problem.batches = list;
    ScriptedMeasurer measurer({.latency = [](std::int64_t b) { return 0.01 + 0.0005 * d(b); }});
    const Played played = play(problem, measurer, name);
    std::set<std::int64_t> asked;
    for (const Trial& trial : conclude(played.record, {}).trials)
      asked.insert(trial.candidate.batch);
    for (const std::int64_t batch : asked)
      CHECK(std::find(list.begin(), list.end(), batch) != list.end());
    CHECK(asked.count(3) == 1);
    CHECK(measurer.misuse.empty());
  }
}

TEST_CASE("no more batches are prepared than allowed, batch 1 among them, and it is said",
          "[search][strategy]") {
  for (const int groups : {1, 2})
    for (const double start : {0.01, 0.3}) {  // a short and a long way down to the anchor
      for (int most = 1; most <= 6; ++most) {
        Problem problem = test_problem(24);
        problem.most_batches = most;
        if (groups == 2) {
          problem.groups.push_back(problem.groups.front());
          problem.groups.back().group.instances = 2;
        }
        ScriptedMeasurer measurer(
            {.latency = [=](std::int64_t b) { return start + start / 20 * d(b); }});
        const Played played = play(problem, measurer);
        const Conclusion conclusion = conclude(played.record, problem.wishes);
        INFO(groups << " groups, " << start << " s, most " << most << ": " << played.reason);
        CHECK(conclusion.trials.size() <= static_cast<std::size_t>(most));
        CHECK(played.end == SessionEnd::budget);
        CHECK(conclusion.best.has_value());
        CHECK(std::any_of(
            conclusion.trials.begin(), conclusion.trials.end(),
            [](const Trial& trial) { return trial.candidate.batch == 1 && trial.measurement; }));
        if (start < 0.1) {
          const std::string words = "more than " + std::to_string(most) + " batches";
          CHECK(played.reason.find(words) != std::string::npos);
        }
      }
    }
}

TEST_CASE("the same tells give the same asks, whatever is wished", "[search][strategy]") {
  const auto shape = shapes(9)[1];
  for (int wish = 0; wish < 4; ++wish) {
    Problem problem = test_problem(7);
    Scene scene{.latency = shape.latency, .common_noise = 0.3, .own_noise = 0.02};
    if (wish == 1) problem.wishes.latency_limits = {{LatencyMetric::p95, 8 * shape.latency(1)}};
    if (wish >= 2) {
      problem.wishes.memory_limit = 400'000'000;
      problem.boundary = BoundaryWish::probed;
      problem.soak = 5;
      scene.limiter = wish == 2 ? LimiterKind::account : LimiterKind::cgroup;
      scene.memory_jitter = 2'000'000;
      if (wish == 3) problem.ceilings = {{test_group(), 400'000'000, 290, 305}};
    }
    ScriptedMeasurer first(scene), second(scene);
    const Played a = play(problem, first), b = play(problem, second);
    REQUIRE(a.record.observations.size() == b.record.observations.size());
    for (std::size_t i = 0; i < a.record.observations.size(); ++i) {
      const auto &one = a.record.observations[i].what, &other = b.record.observations[i].what;
      REQUIRE(one.index() == other.index());
      if (const auto* round = std::get_if<Round>(&one)) CHECK(*round == std::get<Round>(other));
      if (const auto* probe = std::get_if<Probe>(&one)) {
        CHECK(probe->candidate == std::get<Probe>(other).candidate);
        CHECK(probe->soak == std::get<Probe>(other).soak);
      }
    }
    CHECK(a.reason == b.reason);
    CHECK(first.misuse.empty());
  }
}

TEST_CASE("a tighter precision never ends a tune with fewer rounds", "[search][strategy]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Shape shape = shapes(seed)[0];
    int before = 0;
    for (const double precision : {0.05, 0.01, 0.002}) {
      Problem problem = problem_for(seed, Objective::throughput);
      problem.wishes.precision = precision;
      ScriptedMeasurer measurer({.latency = shape.latency, .own_noise = 0.02});
      play(problem, measurer);
      CHECK(measurer.rounds >= before);
      before = measurer.rounds;
    }
  }
}

TEST_CASE("without an estimate the search begins at batch 1 and doubles", "[search]") {
  for (const char* strategy : {"doubling", "adaptive"}) {
    INFO(strategy);
    Problem problem = test_problem(1);
    problem.wishes.memory_limit = Bytes{1} << 30;
    problem.budget.racing = 30;
    ScriptedMeasurer measurer(
        {.latency = [](std::int64_t b) { return 0.004 + 0.0005 * static_cast<double>(b); }});
    const Played played = play(problem, measurer, strategy);
    CHECK(measurer.misuse.empty());
    std::vector<std::int64_t> asked;
    for (const Observation& observation : played.record.observations)
      if (const auto* one = std::get_if<Preparation>(&observation.what))
        asked.push_back(one->candidate.batch);
    REQUIRE(asked.size() >= 4);
    CHECK(asked[0] == 1);
    std::int64_t largest = 1;
    for (const std::int64_t batch : asked) {
      CHECK(batch <= 4 * largest);
      largest = std::max(largest, batch);
    }
    const Conclusion conclusion = conclude(played.record, problem.wishes);
    for (const Trial& trial : conclusion.trials) CHECK_FALSE(trial.estimate);
    CHECK(conclusion.best);
  }
}

// The compiled batch for a mix of user batches, held against trying all of them.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/core/user_batches.h"
#include "tuner/search/conclude.h"

using namespace batchtune;

namespace {

using Mix = std::vector<UserBatch>;

// As `tune --user-batches` asks it.
Problem mix_problem(const Mix& mix) {
  Problem problem = test_problem(1);
  problem.wishes.user_batches = mix;
  problem.wishes.objective = Objective::throughput;
  problem.wishes.tolerance = 1e-9;
  problem.batches = compiled_batches_for(mix);
  problem.budget.racing = 10000;
  return problem;
}

double mix_rate(const Mix& mix, std::int64_t compiled, const std::vector<Seconds>& latency) {
  double samples = 0, seconds = 0;
  for (const UserBatch& user : mix) {
    samples += user.share * static_cast<double>(user.batch);
    seconds += user.share * std::ceil(static_cast<double>(user.batch) / static_cast<double>(compiled)) *
               latency[static_cast<std::size_t>(compiled)];
  }
  return samples / seconds;
}

Mix random_mix(std::mt19937& random, int largest) {
  std::set<std::int64_t> batches;
  const int count = std::uniform_int_distribution<int>(1, 4)(random);
  while (static_cast<int>(batches.size()) < count)
    batches.insert(std::uniform_int_distribution<int>(1, largest)(random));
  Mix mix;
  double sum = 0;
  for (const std::int64_t batch : batches) {
    mix.push_back({batch, std::uniform_real_distribution<double>(0.1, 1)(random)});
    sum += mix.back().share;
  }
  for (UserBatch& user : mix) user.share /= sum;
  return mix;
}

Scene scene_of(const std::vector<Seconds>& latency) {
  return {.latency = [latency](std::int64_t batch) { return latency[static_cast<std::size_t>(batch)]; }};
}

const Verdict& only(const Conclusion& conclusion) {
  REQUIRE(conclusion.verdicts.size() == 1);
  REQUIRE(conclusion.verdicts[0].trial);
  return conclusion.verdicts[0];
}

bool ran_as(const Conclusion& conclusion, std::int64_t compiled, std::int64_t user) {
  return std::any_of(conclusion.trials.begin(), conclusion.trials.end(), [&](const Trial& trial) {
    return trial.candidate.group.compiled_batch == compiled && trial.candidate.batch == user && trial.measurement;
  });
}

const Mix kMix{{1, 0.4}, {8, 0.3}, {12, 0.3}};

std::vector<Seconds> line(Seconds launch, Seconds sample, int largest = 64) {
  std::vector<Seconds> latency{0};
  for (int batch = 1; batch <= largest; ++batch) latency.push_back(launch + sample * batch);
  return latency;
}

}  // namespace

TEST_CASE("for random monotone latencies the compiled batch is the best of all, by trying each", "[search][mix]") {
  constexpr int kLargest = 24;
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const Mix mix = random_mix(random, kLargest);
    std::vector<Seconds> latency{0};
    Seconds now = 0.002;
    for (int batch = 1; batch <= kLargest; ++batch) {
      // Some steps cost nothing, as within a tile, others much.
      if (random() % 3 != 0) now += std::exponential_distribution<double>(1 / 0.002)(random);
      latency.push_back(now);
    }
    double best = 0;
    for (std::int64_t batch = 1; batch <= kLargest; ++batch) best = std::max(best, mix_rate(mix, batch, latency));
    ScriptedMeasurer measurer(scene_of(latency));
    const Conclusion conclusion =
        conclude(play(mix_problem(mix), measurer, "exhaustive").record, mix_problem(mix).wishes);
    INFO("round " << round << ", compiled for " << only(conclusion).batch);
    CHECK(mix_rate(mix, only(conclusion).batch, latency) == Approx(best).epsilon(1e-6));
    CHECK(measurer.misuse.empty());
  }
}

TEST_CASE("the recommended compiled batch is run with the users' batches before the session ends", "[search][mix]") {
  ScriptedMeasurer measurer(scene_of(line(0.004, 0.001)));
  const Played played = play(mix_problem(kMix), measurer, "exhaustive");
  const Conclusion conclusion = conclude(played.record, played.record.header.wishes);
  CHECK(played.end == SessionEnd::converged);
  const std::int64_t chosen = only(conclusion).batch;
  for (const UserBatch& user : kMix) CHECK(ran_as(conclusion, chosen, user.batch));
  CHECK(only(conclusion).reason.find("run with these user batches") != std::string::npos);
  CHECK(only(conclusion).reason.find("1 in 1 run") != std::string::npos);
}

TEST_CASE("where splitting costs more than was promised, another compiled batch is run and chosen", "[search][mix]") {
  const auto latency = line(0.004, 0.001);
  const auto chosen_with = [&](const std::map<std::int64_t, double>& splitting) {
    Scene scene = scene_of(latency);
    scene.splitting = splitting;
    ScriptedMeasurer measurer(scene);
    const Played played = play(mix_problem(kMix), measurer, "exhaustive");
    const Conclusion conclusion = conclude(played.record, played.record.header.wishes);
    for (const UserBatch& user : kMix) CHECK(ran_as(conclusion, only(conclusion).batch, user.batch));
    return only(conclusion).batch;
  };
  const std::int64_t first = chosen_with({});
  const std::int64_t second = chosen_with({{first, 3.0}});
  CHECK(second != first);
  // The second best by promises, since its own splitting costs nothing.
  double best = 0;
  std::int64_t expected = 0;
  for (const std::int64_t batch : compiled_batches_for(kMix))
    if (batch != first && mix_rate(kMix, batch, latency) > best) {
      best = mix_rate(kMix, batch, latency);
      expected = batch;
    }
  CHECK(second == expected);
}

TEST_CASE("a latency limit is about a user's request, all its runs", "[search][mix]") {
  // 12 samples: one run of 12 takes 16 ms, two of 6 take 20, three of 4 take 24.
  const auto latency = line(0.004, 0.001);
  Problem problem = mix_problem(Mix{{1, 0.9}, {12, 0.1}});
  problem.wishes.latency_limits = {{LatencyMetric::p50, 0.021}};
  ScriptedMeasurer measurer(scene_of(latency));
  const Played played = play(problem, measurer, "exhaustive");
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  REQUIRE(only(conclusion).trial);
  const std::int64_t chosen = only(conclusion).batch;
  CHECK(std::ceil(12.0 / static_cast<double>(chosen)) * latency[static_cast<std::size_t>(chosen)] <= 0.021);
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.group.compiled_batch > 0) continue;
    const auto compiled = static_cast<std::size_t>(trial.candidate.batch);
    const Seconds longest = static_cast<double>(runs_of(12, trial.candidate.batch)) * latency[compiled];
    REQUIRE(trial.limits.size() == 1);
    CHECK((trial.limits[0].decision == LimitDecision::kept) == (longest <= 0.021));
  }
}

TEST_CASE("a limit that nothing keeps is told in the time of a request", "[search][mix]") {
  Problem problem = mix_problem(Mix{{12, 1}});
  problem.wishes.latency_limits = {{LatencyMetric::p50, 0.008}};
  ScriptedMeasurer measurer(scene_of(line(0.004, 0.001)));
  const Conclusion conclusion = conclude(play(problem, measurer, "exhaustive").record, problem.wishes);
  REQUIRE(conclusion.verdicts.size() == 1);
  REQUIRE(conclusion.verdicts[0].nothing_fits);
  CHECK(conclusion.verdicts[0].nothing_fits->gap == "p50 16.0 ms, 2.00 x the limit");  // 12 samples in one run
}

TEST_CASE("another mix judges the same session anew, and names what was not measured for it", "[search][mix]") {
  ScriptedMeasurer measurer(scene_of(line(0.004, 0.001)));
  const Played played = play(mix_problem(kMix), measurer, "exhaustive");
  Wishes wishes = played.record.header.wishes;
  wishes.user_batches = {{7, 1}};
  const Conclusion conclusion = conclude(played.record, wishes);
  CHECK(only(conclusion).batch == 8);  // one run of 8 with one padded; 7 itself was never measured
  CHECK(only(conclusion).reason.find("not run with these user batches") != std::string::npos);
  CHECK(only(conclusion).reason.find("may serve this mix better: 7") != std::string::npos);
  wishes.user_batches.clear();
  const Conclusion plain = conclude(played.record, wishes);
  CHECK(only(plain).batch == 12);  // the best batch by itself
}

TEST_CASE("noise leaves the choice among those that are worth as much", "[search][mix]") {
  Scene scene = scene_of(line(0.004, 0.001));
  scene.own_noise = 0.02;
  scene.common_noise = 0.2;
  ScriptedMeasurer measurer(scene);
  Problem problem = mix_problem(kMix);
  problem.wishes.tolerance = 0.01;
  const Played played = play(problem, measurer, "exhaustive");
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  double best = 0;
  for (std::int64_t batch = 1; batch <= 12; ++batch) best = std::max(best, mix_rate(kMix, batch, line(0.004, 0.001)));
  CHECK(mix_rate(kMix, only(conclusion).batch, line(0.004, 0.001)) > best * 0.97);
  REQUIRE(only(conclusion).stability);
  CHECK(*only(conclusion).stability > 0.3);
}

TEST_CASE("where compilations are counted the most promising compiled batches get them", "[search][mix]") {
  const auto latency = line(0.004, 0.001);
  Problem problem = mix_problem(kMix);
  for (const std::int64_t batch : problem.batches) {
    PointEstimate point;
    point.batch = batch;
    point.latency = latency[static_cast<std::size_t>(batch)] * 0.5;  // its level is wrong, its shape is not
    point.throughput = static_cast<double>(batch) / point.latency;
    problem.groups[0].curve.push_back(point);
  }
  problem.most_compiles = 3;
  problem.compiles_elsewhere = true;
  Scene scene = scene_of(latency);
  scene.compile = 240;
  ScriptedMeasurer measurer(scene);
  const Played played = play(problem, measurer, "exhaustive");
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  CHECK(measurer.misuse.empty());
  CHECK(measurer.compiled.size() == 3);
  CHECK(measurer.compiled.contains(1));  // which outputs are held against
  CHECK(played.end == SessionEnd::budget);
  CHECK(played.reason.find("3 compilations used") == 0);
  double best = 0;
  for (const std::int64_t batch : problem.batches) best = std::max(best, mix_rate(kMix, batch, latency));
  CHECK(mix_rate(kMix, only(conclusion).batch, latency) == Approx(best));
  for (const UserBatch& user : kMix) CHECK(ran_as(conclusion, only(conclusion).batch, user.batch));  // compiled already
  CHECK_FALSE(measurer.ahead.empty());
  CHECK(only(conclusion).reason.find("not measured, though") != std::string::npos);
}

TEST_CASE("listed candidates are measured in their order and none beside them", "[search][mix]") {
  Problem problem = test_problem(1);
  problem.budget.racing = 1000;
  const Candidate compiled{test_group(), 4};
  problem.candidates = {compiled, split_into(compiled, 1), split_into(compiled, 12)};
  ScriptedMeasurer measurer(scene_of(line(0.004, 0.001)));
  const Played played = play(problem, measurer, "exhaustive");
  SessionRecord record = played.record;
  record.header.command = "measure";
  const Conclusion conclusion = conclude(record, {});
  REQUIRE(conclusion.trials.size() == 3);
  CHECK(conclusion.anchor == 1);
  CHECK(conclusion.trials[0].candidate == compiled);
  CHECK(conclusion.trials[1].measurement->undisturbed == Approx(0.008));
  CHECK(conclusion.trials[2].measurement->undisturbed == Approx(0.024));
  CHECK(conclusion.trials[2].measurement->throughput_undisturbed == Approx(500));
  CHECK_FALSE(conclusion.trials[2].on_front);  // nobody deploys a user's batch
  CHECK(conclusion.verdicts.empty());
}

TEST_CASE("a budget that ends before the users' batches says so", "[search][mix]") {
  Problem problem = mix_problem(kMix);
  problem.budget.racing = 3;
  Scene scene = scene_of(line(0.2, 0.05));
  scene.own_noise = 0.05;
  ScriptedMeasurer measurer(scene);
  const Played played = play(problem, measurer, "exhaustive");
  CHECK(played.end == SessionEnd::budget);
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  CHECK(only(conclusion).reason.find("not run with these user batches") != std::string::npos);
}

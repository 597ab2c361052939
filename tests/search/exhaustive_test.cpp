// The strategy behind `measure`.
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"

using namespace batchtune;

TEST_CASE("every batch of the list gets the same number of rounds with few programs held",
          "[search][exhaustive]") {
  Problem problem = test_problem(1);
  for (std::int64_t batch = 1; batch <= 20; ++batch) problem.batches.push_back(batch);
  problem.budget.racing = 200;
  ScriptedMeasurer measurer(
      {.latency = [](std::int64_t b) { return 0.001 + 0.0005 * static_cast<double>(b); }});
  const Played played = play(problem, measurer, "exhaustive");
  CHECK(played.end == SessionEnd::converged);
  CHECK(measurer.most_live <= 7);
  CHECK(measurer.misuse.empty());
  const Conclusion conclusion = conclude(played.record, {});
  REQUIRE(conclusion.trials.size() == 20);
  for (const Trial& trial : conclusion.trials) {
    REQUIRE(trial.measurement);
    CHECK(trial.measurement->visits >= 10);
    const double batch = static_cast<double>(trial.candidate.batch);
    CHECK(trial.measurement->ratio_to_anchor == Approx((0.001 + 0.0005 * batch) / batch / 0.0015));
  }
}

TEST_CASE("a spent budget ends the list early but the first handful is measured",
          "[search][exhaustive]") {
  Problem problem = test_problem(1);
  for (std::int64_t batch = 1; batch <= 20; ++batch) problem.batches.push_back(batch);
  problem.budget.racing = 5;
  ScriptedMeasurer measurer(
      {.latency = [](std::int64_t b) { return 0.1 * static_cast<double>(b); }, .own_noise = 0.1});
  const Played played = play(problem, measurer, "exhaustive");
  CHECK(played.end == SessionEnd::budget);
  const Conclusion conclusion = conclude(played.record, {});
  REQUIRE_FALSE(conclusion.trials.empty());
  CHECK(conclusion.trials[0].measurement);
}

TEST_CASE("without a list the batches around the estimate are measured", "[search][exhaustive]") {
  ScriptedMeasurer measurer(
      {.latency = [](std::int64_t b) { return 0.001 + 0.0005 * static_cast<double>(b); }});
  const Played played = play(test_problem(3), measurer, "exhaustive");
  CHECK(conclude(played.record, {}).trials.size() == 6);
}

TEST_CASE("the stop rule that was named ends each handful", "[search][exhaustive]") {
  Problem problem = test_problem(1);
  problem.batches = {1, 2, 4, 8};
  const auto visits = [&](const char* rule, double precision) {
    problem.stop_rule = rule;
    problem.wishes.precision = precision;
    ScriptedMeasurer measurer(
        {.latency = [](std::int64_t b) { return 0.001 + 0.0005 * static_cast<double>(b); },
         .own_noise = 0.01});
    const Conclusion conclusion = conclude(play(problem, measurer, "exhaustive").record, {});
    return conclusion.trials.at(1).measurement->visits;
  };
  CHECK(visits("rounds", 0.01) == 40);
  CHECK(visits("interval", 0.05) == 10);
  CHECK(visits("interval", 0.004) > 20);
}

TEST_CASE("batches that the budget has left out are not called measured", "[search][exhaustive]") {
  Problem problem = test_problem(1);
  problem.batches = {1, 2, 3, 4, 5, 6, 7, 8};
  problem.budget.racing = 20;
  problem.stop_rule = "time";  // 10 s, which the first handful has after a round, past the budget
  ScriptedMeasurer measurer({.latency = [](std::int64_t) { return 1.0; }});
  const Played played = play(problem, measurer, "exhaustive");
  const Conclusion conclusion = conclude(played.record, {});
  CHECK(conclusion.trials.size() < 8);
  CHECK(played.end == SessionEnd::budget);
}

TEST_CASE("without a list and without an estimate the first batches are measured",
          "[search][exhaustive]") {
  Problem problem = test_problem(1);
  problem.budget.racing = 1000;
  ScriptedMeasurer measurer({.latency = [](std::int64_t) { return 0.001; }});
  const Played played = play(problem, measurer, "exhaustive");
  CHECK(conclude(played.record, {}).trials.size() == 64);
}

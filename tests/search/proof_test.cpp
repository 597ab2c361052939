// Percentile promises and soaks: what they cost, who gets samples, what the verdict says.
#include "tuner/search/proof.h"

#include <algorithm>
#include <map>
#include <string>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"
#include "tuner/search/ledger.h"

using namespace batchtune;

namespace {

// 2 ms at batch 1, 5.5 ms at 8, 34 ms at 65: throughput grows throughout.
Seconds latency(std::int64_t batch) {
  return 0.0015 + 0.0005 * static_cast<double>(batch);
}

Problem limited(LatencyMetric metric, Seconds limit) {
  Problem problem = test_problem(8);
  problem.wishes.objective = Objective::throughput;
  problem.wishes.latency_limits = {{metric, limit}};
  return problem;
}

Problem soaked() {
  Problem problem = test_problem(8);
  problem.soak = 5;
  problem.wishes.memory_limit = 500'000'000;
  return problem;
}

// That every soak lets pass.
std::int64_t lasting_choice(const Problem& problem) {
  ScriptedMeasurer measurer({.latency = latency});
  return conclude(play(problem, measurer).record, problem.wishes).verdicts.at(0).batch;
}

std::map<std::int64_t, int> runs_by_batch(const Conclusion& conclusion) {
  std::map<std::int64_t, int> runs;
  for (const Trial& trial : conclusion.trials)
    if (trial.measurement) runs[trial.candidate.batch] = trial.measurement->samples;
  return runs;
}

const Trial& best_of(const Conclusion& conclusion) {
  return conclusion.trials[static_cast<std::size_t>(conclusion.best->trial) - 1];
}

}  // namespace

TEST_CASE("the cost of a promise is said before the session", "[search][proof]") {
  Problem problem = test_problem(8);
  CHECK(proof_cost(problem).samples == 0);
  CHECK(proof_cost(problem).words.empty());
  problem.wishes.latency_limits = {{LatencyMetric::p50, 0.02}, {LatencyMetric::p99, 0.4}};
  problem.groups[0].curve = {{8, 0.3, 26, 1e8, Bound::compute}};
  const ProofCost cost = proof_cost(problem);
  CHECK(cost.samples == 459);
  CHECK(cost.words.find("p99 at 99 % needs >= 459 samples, about ") == 0);
  CHECK(cost.seconds >= 459 * 0.02);  // no faster than the tightest limit
  CHECK(cost.seconds < 459 * 0.3);
  problem.wishes.latency_limits = {{LatencyMetric::p99_9, 0.4}};
  CHECK(proof_cost(problem).seconds > 4000 * 0.3);
  CHECK(proof_cost(problem).words.find(" min") != std::string::npos);
}

TEST_CASE("visits have few runs where these agree, many where they tell different things",
          "[search][proof]") {
  CHECK(proof_runs(1, 0.001, 0.1) == 1);
  CHECK(proof_runs(0.5, 0.001, 0.1) > 1);
  CHECK(proof_runs(0.5, 0.001, 0.1) < proof_runs(0.05, 0.001, 0.1));
  CHECK(proof_runs(0.05, 0.1, 0.1) < proof_runs(0.05, 0.001, 0.1));
  CHECK(proof_runs(0, 0.001, 0.1) == 64);
  CHECK(proof_runs(0, 0.5, 0.1) <= 2);  // rounds stay short
  LimitVerdict verdict;
  verdict.runs = 100;
  verdict.samples = 100;
  CHECK(visit_correlation(verdict, 10) == Approx(0));
  verdict.samples = 10;  // ten visits of ten runs that say the same
  CHECK(visit_correlation(verdict, 10) == Approx(1));
}

TEST_CASE("verdicts are said with their counts, and exactly as many over as allowed break nothing",
          "[search][proof]") {
  LimitVerdict verdict{LatencyMetric::p90, 0.02, LimitDecision::unproven, 0.7, 9.5, 10, 1};
  CHECK(words_of(verdict) == "p90 <= 20.0 ms is unproven: 10 runs, 1 over, confidence 70 %");
  CHECK_FALSE(looks_broken(verdict));
  verdict.over = 2;
  CHECK(looks_broken(verdict));
  verdict.decision = LimitDecision::kept;
  verdict.confidence = 0.99999;
  CHECK_FALSE(looks_broken(verdict));
  CHECK(words_of(verdict).find("confidence above 99.9 %") != std::string::npos);
  CHECK(looks_broken({LatencyMetric::max, 0.02, LimitDecision::unproven, {}, 5, 5, 1}));
  CHECK(looks_broken({}));  // nothing was seen
}

TEST_CASE("the recommended candidate is proved to keep its percentile limit", "[search][proof]") {
  for (const LatencyMetric metric : {LatencyMetric::p90, LatencyMetric::p95, LatencyMetric::p99}) {
    INFO(name_of(metric));
    const Problem problem = limited(metric, 0.010);  // batch 17 takes as long
    ScriptedMeasurer measurer({.latency = latency, .own_noise = 0.01});
    const Played played = play(problem, measurer);
    const Conclusion conclusion = conclude(played.record, problem.wishes);
    REQUIRE(conclusion.best);
    CHECK(conclusion.best->proven);
    const LimitVerdict& verdict = best_of(conclusion).limits.at(0);
    CHECK(verdict.decision == LimitDecision::kept);
    CHECK(verdict.confidence.value() >= 0.99);
    CHECK(latency(conclusion.best->batch) <= 0.010);
    CHECK(latency(conclusion.best->batch) >= 0.008);
    CHECK(played.reason.find("is kept: ") != std::string::npos);
    Seconds racing = 0;
    for (const Observation& observation : played.record.observations)
      if (!std::holds_alternative<Probe>(observation.what)) racing += observation.device_time;
    CHECK(racing <= problem.budget.racing + 2);
    CHECK(measurer.misuse.empty());
  }
}

TEST_CASE("samples are spent on the candidate that would be recommended, not on those far away",
          "[search][proof]") {
  const Problem problem = limited(LatencyMetric::p99, 0.010);
  ScriptedMeasurer measurer({.latency = latency, .own_noise = 0.01});
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  REQUIRE(conclusion.best);
  const auto runs = runs_by_batch(conclusion);
  const std::int64_t best = conclusion.best->batch;
  CHECK(runs.at(best) >= 459);
  for (const auto& [batch, count] : runs)
    if (batch != best && latency(batch) < 0.007 && batch != 1) CHECK(count < 459);
  for (const auto& [batch, count] : runs)
    if (latency(batch) > 0.013) CHECK(count <= 20);  // far above the limit
}

TEST_CASE("a candidate whose tail breaks the limit gives way to one whose tail keeps it",
          "[search][proof]") {
  const Problem problem = limited(LatencyMetric::p90, 0.010);
  // A fifth of the runs takes half as long again: p90 is 1.5 x the level, so batch 10 is the last.
  ScriptedMeasurer measurer(
      {.latency = latency, .own_noise = 0.005, .slow_share = 0.2, .slow_factor = 1.5});
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  REQUIRE(conclusion.best);
  CHECK(conclusion.best->proven);
  CHECK(1.5 * latency(conclusion.best->batch) <= 0.0102);
  for (const Trial& trial : conclusion.trials)
    if (trial.measurement && 1.5 * latency(trial.candidate.batch) > 0.011)
      for (const LimitVerdict& verdict : trial.limits)
        CHECK(verdict.decision != LimitDecision::kept);
}

TEST_CASE("one that most likely breaks its limit does not use up the samples of the next one",
          "[search][proof]") {
  Problem problem = limited(LatencyMetric::p90, 0.010);
  problem.budget.racing = 30;
  // Whole rounds are up to half slower: the runs of a visit agree, so that proofs are long.
  ScriptedMeasurer measurer({.latency = latency, .common_noise = 0.5, .own_noise = 0.005});
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  REQUIRE(conclusion.best);
  CHECK(conclusion.best->proven);
  CHECK(1.45 * latency(conclusion.best->batch) <= 0.0105);
}

TEST_CASE("one slow run of few does not put a candidate out of the race", "[search][proof]") {
  const Problem problem = limited(LatencyMetric::p99, 0.010);
  for (const int over : {0, 1, 6}) {
    INFO(over << " of 18 runs over");
    Ledger ledger(problem);
    const TrialId trial = ledger.number({test_group(), 8});
    ledger.tell({Preparation{trial, {test_group(), 8}, {}, 0.1, 0, 0.005, {}, {}, {}}, 0, 0.1});
    ledger.fix_anchor(trial);
    for (int visit = 0; visit < 6; ++visit) {
      Round round;
      round.visits.emplace_back().trial = trial;
      round.visits.back().seconds = {0.005, 0.005, visit < over ? 0.020 : 0.005};
      ledger.tell({round, 0, 0.1});
    }
    REQUIRE(ledger.at(trial).limits.size() == 1);
    CHECK(ledger.at(trial).limits[0].runs == 18);
    CHECK(ledger.at(trial).limits[0].over == over);
    CHECK(ledger.choosable(ledger.at(trial)) == (over < 6));
  }
}

TEST_CASE("past the budget a limit is unproven, with what was seen", "[search][proof]") {
  Problem problem = limited(LatencyMetric::p99_9, 0.010);
  problem.budget.racing = 15;
  ScriptedMeasurer measurer({.latency = latency, .own_noise = 0.01});
  const Played played = play(problem, measurer);
  CHECK(played.end == SessionEnd::budget);
  CHECK(played.reason.find("p99.9 <= 10.0 ms is unproven: ") != std::string::npos);
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  REQUIRE(conclusion.best);
  CHECK_FALSE(conclusion.best->proven);
  CHECK(conclusion.verdicts[0].reason.find("p99.9 <= 10.0 ms is unproven: ") != std::string::npos);
  const LimitVerdict& verdict = best_of(conclusion).limits.at(0);
  CHECK(verdict.decision == LimitDecision::unproven);
  CHECK(verdict.runs > 50);
  CHECK(verdict.over == 0);
}

TEST_CASE("several limits must all be kept", "[search][proof]") {
  Problem problem = limited(LatencyMetric::p99, 0.010);
  problem.wishes.latency_limits.push_back({LatencyMetric::p50, 0.006});  // batch 9
  ScriptedMeasurer measurer({.latency = latency, .own_noise = 0.01});
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  REQUIRE(conclusion.best);
  CHECK(conclusion.best->proven);
  CHECK(conclusion.best->batch <= 9);
  for (const LimitVerdict& verdict : best_of(conclusion).limits)
    CHECK(verdict.decision == LimitDecision::kept);
}

TEST_CASE("the chosen candidate is soaked once under the limit, and its headroom is stated",
          "[search][soak]") {
  const Problem problem = soaked();
  ScriptedMeasurer measurer({.latency = latency});
  const Played played = play(problem, measurer);
  int soaks = 0;
  for (const Observation& observation : played.record.observations)
    if (const auto* probe = std::get_if<Probe>(&observation.what))
      if (probe->soak > 0) {
        ++soaks;
        CHECK(probe->limit == problem.wishes.memory_limit);
      }
  CHECK(soaks == 1);
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  const Verdict& verdict = conclusion.verdicts.at(0);
  REQUIRE(verdict.soaked);
  CHECK(verdict.soaked->seconds == 5);
  CHECK(verdict.soaked->ending.status == TrialStatus::ok);
  CHECK(verdict.soaked->runs > 10);
  const double needed = 100e6 + 1e6 * static_cast<double>(verdict.batch);
  CHECK(verdict.headroom.value() == Approx(500e6 - needed));
  CHECK(verdict.headroom_share.value() == Approx((500e6 - needed) / 500e6));
}

TEST_CASE("a candidate that does not last gives way to the next smaller one, and is named",
          "[search][soak]") {
  const Problem problem = soaked();
  const std::int64_t before = lasting_choice(problem);
  Scene scene{.latency = latency};
  scene.soak_endings[before] = {TrialStatus::out_of_memory, "its memory grows", "growing", "host"};
  ScriptedMeasurer measurer(scene);
  const Played played = play(problem, measurer);
  const Conclusion conclusion = conclude(played.record, problem.wishes);
  const Verdict& verdict = conclusion.verdicts.at(0);
  REQUIRE(verdict.trial);
  CHECK(verdict.batch < before);
  REQUIRE(verdict.soaked);
  CHECK(verdict.soaked->ending.status == TrialStatus::ok);
  CHECK(verdict.reason.find("batch " + std::to_string(before) +
                            " did not last under sustained load (its memory grows)") !=
        std::string::npos);
}

TEST_CASE("one unstable soak is asked again, and only a second one moves the choice",
          "[search][soak]") {
  const Problem problem = soaked();
  const std::int64_t before = lasting_choice(problem);
  Scene scene{.latency = latency};
  scene.soak_endings[before] = {TrialStatus::unstable, "it slows down", "15 % more", ""};
  for (const int bad : {1, 2}) {
    INFO(bad << " unstable soaks");
    scene.bad_soaks = bad;
    ScriptedMeasurer measurer(scene);
    const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
    const Verdict& verdict = conclusion.verdicts.at(0);
    CHECK(measurer.soaks == bad + 1);
    CHECK((verdict.batch == before) == (bad == 1));
    REQUIRE(verdict.soaked);
    CHECK(verdict.soaked->ending.status == TrialStatus::ok);
    CHECK((verdict.reason.find("did not last") == std::string::npos) == (bad == 1));
  }
}

TEST_CASE("a soak that the probing budget cannot pay is left out", "[search][soak]") {
  Problem problem = test_problem(8);
  problem.soak = 100;
  ScriptedMeasurer measurer({.latency = latency});
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  CHECK_FALSE(conclusion.verdicts.at(0).soaked);
  CHECK(conclusion.boundaries.size() == 1);  // memory was measured all the same
}

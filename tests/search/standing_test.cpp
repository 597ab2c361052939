// How sure a verdict is: who cannot be told apart, neighbours, slack, what binds, what was spent.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/alike.h"
#include "tuner/search/conclude.h"

using namespace batchtune;

namespace {

Preparation preparation_of(TrialId trial, const Candidate& candidate) {
  Preparation preparation;
  preparation.trial = trial;
  preparation.candidate = candidate;
  preparation.prepare_seconds = 0.5;
  preparation.first_run = 0.01;
  return preparation;
}

Visit visit_of(TrialId trial, Seconds seconds) {
  Visit visit;
  visit.trial = trial;
  visit.seconds = {seconds, seconds};
  return visit;
}

// Trial 1 is the anchor.
struct Script {
  SessionRecord record;
  std::vector<std::pair<Candidate, Seconds>> trials;  // with their true latencies

  TrialId add(std::int64_t batch, Seconds latency, CandidateGroup group = test_group()) {
    const Candidate candidate{std::move(group), batch};
    trials.emplace_back(candidate, latency);
    const auto id = static_cast<TrialId>(trials.size());
    record.header.command = "tune";
    record.anchor = 1;
    record.observations.push_back({preparation_of(id, candidate), 0, 1});
    return id;
  }
  Seconds latency(TrialId id) const { return trials[static_cast<std::size_t>(id) - 1].second; }

  // Rounds of the anchor and these; `noise` in log latency, by visit.
  void run(int rounds, const std::vector<TrialId>& who, double noise, std::mt19937_64& random) {
    std::normal_distribution<double> normal(0, noise);
    for (int r = 0; r < rounds; ++r) {
      Round round;
      round.visits = {visit_of(1, latency(1) * (1 + 0.1 * (r % 3)))};
      for (const TrialId id : who)
        round.visits.push_back(
            visit_of(id, latency(id) * (1 + 0.1 * (r % 3)) * std::exp(normal(random))));
      record.observations.push_back({round, 0, 1});
    }
  }
};

Wishes throughput() {
  Wishes wishes;
  wishes.objective = Objective::throughput;
  return wishes;
}

// Seconds of a batch at so many samples a second.
Seconds at(std::int64_t batch, double rate) {
  return static_cast<double>(batch) / rate;
}

std::int64_t chosen_batch(const Script& script, const Wishes& wishes) {
  return conclude(script.record, wishes).verdicts.at(0).batch;
}

}  // namespace

TEST_CASE("of two that cannot be told apart the smaller is chosen, and the verdict names the other",
          "[search][standing]") {
  std::mt19937_64 random(3);
  Script script;
  script.add(1, at(1, 60));
  const TrialId eight = script.add(8, at(8, 100));
  const TrialId nine = script.add(9, at(9, 100.1));
  SECTION("in common rounds") {
    script.run(12, {eight, nine}, 0.01, random);
  }
  SECTION("through the anchor") {
    script.run(12, {eight}, 0.002, random);
    script.run(12, {nine}, 0.002, random);
  }
  const Verdict verdict = conclude(script.record, throughput()).verdicts.at(0);
  CHECK(verdict.batch == 8);
  CHECK(verdict.indistinguishable == std::vector<TrialId>{nine});
  CHECK(verdict.runner_up == nine);
  REQUIRE(verdict.expected_regret);
  CHECK(*verdict.expected_regret < 0.01);
}

TEST_CASE(
    "one that is surely better, or not surely but by more than a quarter of the tolerance, is "
    "chosen",
    "[search][standing]") {
  std::mt19937_64 random(4);
  Script script;
  script.add(1, at(1, 60));
  const TrialId eight = script.add(8, at(8, 100));
  const TrialId nine = script.add(9, at(9, 100.4));
  script.run(12, {eight, nine}, 0.0002, random);
  CHECK(chosen_batch(script, throughput()) == 9);
  CHECK(conclude(script.record, throughput()).verdicts.at(0).indistinguishable.empty());
  Script rough;
  rough.add(1, at(1, 60));
  rough.add(8, at(8, 100));
  rough.add(9, at(9, 104));
  rough.run(12, {eight, nine}, 0.01, random);
  CHECK(chosen_batch(rough, throughput()) == 9);
  Wishes tolerant = throughput();
  tolerant.tolerance = 0.2;
  CHECK(chosen_batch(rough, tolerant) == 9);  // it is sure, whatever is tolerated
}

TEST_CASE("one that was hardly looked at is not preferred for being small", "[search][standing]") {
  std::mt19937_64 random(5);
  Script script;
  script.add(1, at(1, 60));
  const TrialId eight = script.add(8, at(8, 100));
  const TrialId nine = script.add(9, at(9, 100.2));
  script.run(5, {eight, nine}, 0, random);
  script.run(10, {nine}, 0, random);
  CHECK(chosen_batch(script, throughput()) == 9);
}

TEST_CASE("tuning a plateau twice gives the same batch more often than taking the highest figure",
          "[search][standing]") {
  std::mt19937_64 random(6);
  std::map<std::int64_t, int> smallest, highest;
  constexpr int kSessions = 60;
  for (int session = 0; session < kSessions; ++session) {
    Script script;
    script.add(1, at(1, 60));
    script.add(6, at(6, 97));
    std::vector<TrialId> who{2};
    for (const std::int64_t batch : {8, 9, 10, 12, 16})
      who.push_back(script.add(batch, at(batch, 100)));
    script.run(20, who, 0.006, random);
    Wishes exact = throughput();
    exact.tolerance = 0;
    ++smallest[chosen_batch(script, throughput())];
    ++highest[chosen_batch(script, exact)];
  }
  CHECK(smallest[8] > 0.6 * kSessions);
  CHECK(highest[8] < 0.5 * kSessions);
  CHECK(smallest[6] == 0);
}

TEST_CASE("the neighbours of the choice are the nearest measured batches of its group",
          "[search][standing]") {
  std::mt19937_64 random(7);
  Script script;
  script.add(1, 0.010);
  script.add(4, 0.026);
  script.add(8, 0.050);
  script.add(16, 0.110);
  CandidateGroup other = test_group();
  other.threads += 1;
  script.add(7, 0.050, other);
  script.run(12, {2, 3, 4, 5}, 0, random);
  const Verdict verdict = conclude(script.record, throughput()).verdicts.at(0);
  CHECK(verdict.batch == 8);
  REQUIRE(verdict.down);
  CHECK(verdict.down->batch == 4);
  CHECK(verdict.down->throughput == Approx(4 / 0.026 / 160));
  CHECK(verdict.down->latency == Approx(0.52));
  REQUIRE(verdict.up);
  CHECK(verdict.up->batch == 16);
  CHECK(verdict.up->latency == Approx(2.2));
  CHECK_FALSE(verdict.limit_slack);
  CHECK_FALSE(verdict.tightening);
}

TEST_CASE("a limit can be tightened until it takes the choice, or what made it the choice",
          "[search][standing]") {
  std::mt19937_64 random(8);
  Script script;
  script.add(1, 0.010);
  const TrialId four = script.add(4, 0.026);
  script.add(8, 0.050);
  script.run(12, {2, 3}, 0, random);  // p50 as seen: 11, 28.6 and 55 ms
  Wishes wishes = throughput();
  wishes.latency_limits = {{LatencyMetric::max, 1}, {LatencyMetric::p50, 0.110}};
  Verdict verdict = conclude(script.record, wishes).verdicts.at(0);
  REQUIRE(verdict.limit_slack);
  CHECK(*verdict.limit_slack == Approx(0.5));
  REQUIRE(verdict.tightening);
  CHECK(verdict.tightening->limit == wishes.latency_limits[1]);
  CHECK(verdict.tightening->until == Approx(0.055));
  CHECK(verdict.tightening->next == four);
  CHECK(verdict.binding == "the largest batch that was measured");

  wishes.latency_limits = {{LatencyMetric::p50, 0.040}};
  verdict = conclude(script.record, wishes).verdicts.at(0);
  CHECK(verdict.batch == 4);
  CHECK(verdict.tightening->next == 1);
  CHECK(verdict.binding == "p50 <= 40.0 ms: batch 8 breaks it");

  wishes = {};  // the knee: without batch 8 the threshold is low enough for batch 4 no longer alone
  wishes.give_up = 0.05;
  wishes.latency_limits = {{LatencyMetric::p50, 0.110}};
  verdict = conclude(script.record, wishes).verdicts.at(0);
  CHECK(verdict.batch == 4);  // 154 of 160 samples/s
  CHECK(verdict.tightening->until == Approx(0.0286));
  CHECK(verdict.binding == "the objective: batch 8 adds +4 % throughput for +92 % latency");
}

TEST_CASE("what is on the front is beaten by no other split of the same CPUs",
          "[search][standing]") {
  std::mt19937_64 random(9);
  CandidateGroup split = test_group();
  split.threads = 1;
  split.instances = 2;
  Script script;
  script.add(1, 0.010);
  const TrialId one = script.add(8, 0.060);
  const TrialId two = script.add(4, 0.050, split);  // 160 samples/s against 133
  script.run(12, {one, two}, 0.001, random);
  const Conclusion conclusion = conclude(script.record, throughput());
  CHECK(conclusion.fronts.size() == 2);
  CHECK(conclusion.trials[0].on_front);
  CHECK_FALSE(conclusion.trials[1].on_front);
  CHECK(conclusion.trials[1].front_probability == 0.0);
  CHECK(conclusion.trials[2].on_front);
  CHECK(conclusion.trials[2].front_probability == 1.0);
  CHECK(conclusion.verdicts.at(0).trial == two);
}

TEST_CASE("the probability of the front is between for one that noise may beat",
          "[search][standing]") {
  std::mt19937_64 random(10);
  Script script;
  script.add(1, at(1, 60));
  const TrialId eight = script.add(8, at(8, 100));
  const TrialId nine = script.add(9, at(9, 100));
  script.run(16, {eight, nine}, 0.02, random);
  const Conclusion conclusion = conclude(script.record, throughput());
  CHECK(conclusion.trials[1].front_probability == 1.0);  // no smaller batch is as fast
  const double probability = conclusion.trials[2].front_probability.value();
  CHECK(probability > 0.02);
  CHECK(probability < 0.98);
}

namespace {

// A smooth curve with its best at 8; of one batch a few rounds have shown another rate.
Script lucky(std::int64_t batch, double rate) {
  std::mt19937_64 random(1);
  Script script;
  script.record.header.estimates = test_problem(8).groups;  // else nothing joins the batches
  std::vector<TrialId> others;
  for (const std::int64_t b : {1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16})
    if (b != batch)
      others.push_back(script.add(b, at(b, 100 - 0.8 * std::abs(static_cast<double>(b) - 8))));
  const TrialId one = script.add(batch, at(batch, rate));
  script.run(200, {others.begin() + 1, others.end()}, 0.05, random);
  script.run(4, {one}, 0.05, random);
  return script;
}

}  // namespace

TEST_CASE("words have the figures of the table, also where the batches around decided",
          "[search][standing]") {
  for (const std::int64_t batch : {7, 9}) {
    const Conclusion conclusion = conclude(lucky(batch, 102).record, throughput());
    const Verdict& verdict = conclusion.verdicts.at(0);
    INFO(verdict.reason);
    const std::string other = std::to_string(batch);
    REQUIRE(verdict.batch != batch);
    CHECK(verdict.reason.find("of the best (" + other + ")") != std::string::npos);
    CHECK(verdict.reason.find("by their own figures alone batch " + other + " would be chosen") !=
          std::string::npos);
  }
}

TEST_CASE("the recommended batch is on the front, whatever a lucky smaller one's figure says",
          "[search][standing]") {
  const Conclusion conclusion = conclude(lucky(7, 102).record, throughput());
  const Verdict& verdict = conclusion.verdicts.at(0);
  REQUIRE(verdict.batch == 8);
  const Trial& chosen = conclusion.trials.at(static_cast<std::size_t>(*verdict.trial) - 1);
  CHECK(chosen.on_front);
  CHECK(chosen.front_probability.value() > 0.3);
  const auto& front = conclusion.fronts.at(0).trials;
  CHECK(std::find(front.begin(), front.end(), *verdict.trial) != front.end());
}

TEST_CASE("the effort is what was spent, against ten visits to every batch", "[search][standing]") {
  std::mt19937_64 random(11);
  Script script;
  script.add(1, 0.010);
  script.add(4, 0.026);
  script.add(8, 0.050);
  script.run(12, {2, 3}, 0, random);
  Probe probe;
  probe.candidate = script.trials[0].first;
  script.record.observations.push_back({probe, 0, 3});
  const Effort effort = conclude(script.record, {}).effort;
  CHECK(effort.candidates == 3);
  CHECK(effort.rounds == 12);
  CHECK(effort.visits == 36);
  CHECK(effort.racing == Approx(15));
  CHECK(effort.probing == Approx(3));
  CHECK(effort.up_to == 8);
  REQUIRE(effort.sweep);
  // 10 + 15.3 + 20.7 + 26 + 32 + 38 + 44 + 50 ms, thirty times, and eight preparations.
  CHECK(*effort.sweep == Approx(30 * 0.236 + 8 * 0.5));
  CHECK_FALSE(conclude(SessionRecord{}, {}).effort.sweep);
}

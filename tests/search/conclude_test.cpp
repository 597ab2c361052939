// conclude(): last statuses, memory, estimates, other wishes, several backends.
#include "tuner/search/conclude.h"

#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"

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
  visit.warm = 1;
  visit.seconds = {seconds * 2, seconds, seconds};
  return visit;
}

Candidate candidate_of(std::string backend, std::int64_t batch) {
  Candidate candidate{test_group(), batch};
  candidate.group.backend = std::move(backend);
  return candidate;
}

// Batch 1 (10 ms), 4 (26 ms), 8 (50 ms) on one backend, batch 4 (20 ms) on another; twelve rounds.
SessionRecord session() {
  SessionRecord record;
  record.header.command = "tune";
  record.anchor = 1;
  const auto add = [&](auto what) { record.observations.push_back({what, 0, 1}); };
  add(preparation_of(1, candidate_of("one", 1)));
  add(preparation_of(2, candidate_of("one", 4)));
  add(preparation_of(3, candidate_of("one", 8)));
  add(preparation_of(4, candidate_of("two", 4)));
  for (int r = 0; r < 12; ++r) {
    const double slow = 1 + 0.1 * (r % 3);
    Round round;
    round.visits = {visit_of(1, 0.010 * slow), visit_of(2, 0.026 * slow), visit_of(3, 0.050 * slow),
                    visit_of(4, 0.020 * slow)};
    add(round);
  }
  return record;
}

const Trial& trial(const Conclusion& conclusion, TrialId id) {
  return conclusion.trials[static_cast<std::size_t>(id) - 1];
}

}  // namespace

TEST_CASE("a verdict per backend and the best across them", "[search][conclude]") {
  const Conclusion conclusion = conclude(session(), {});
  REQUIRE(conclusion.verdicts.size() == 2);
  CHECK(conclusion.verdicts[0].backend == "one");
  CHECK(conclusion.verdicts[0].batch == 8);
  CHECK(conclusion.verdicts[0].runner_up == 2);
  CHECK(conclusion.verdicts[0].stability == 1.0);
  CHECK(conclusion.verdicts[1].batch == 4);
  CHECK_FALSE(conclusion.verdicts[1].runner_up);
  REQUIRE(conclusion.best);
  CHECK(conclusion.best->backend == "two");
  CHECK(conclusion.best->proven);
  REQUIRE(conclusion.fronts.size() == 2);
  CHECK(conclusion.fronts[0].trials == std::vector<TrialId>{1, 2, 3});
  CHECK(trial(conclusion, 2).on_front);
  CHECK(trial(conclusion, 2).front_probability == 1.0);
}

TEST_CASE("other wishes judge the same observations anew", "[search][conclude]") {
  Wishes wishes;
  wishes.latency_limits = {{LatencyMetric::p50, 0.032}};
  const Conclusion limited = conclude(session(), wishes);
  CHECK(limited.verdicts[0].batch == 4);
  CHECK(trial(limited, 3).limits[0].decision == LimitDecision::broken);
  CHECK(trial(limited, 2).limits[0].decision == LimitDecision::kept);
  wishes.latency_limits = {{LatencyMetric::p50, 0.005}};
  const Conclusion none = conclude(session(), wishes);
  CHECK_FALSE(none.best);
  REQUIRE(none.verdicts[0].nothing_fits);
  CHECK(none.verdicts[0].nothing_fits->nearest == 1);
  CHECK(none.verdicts[0].nothing_fits->gap == "p50 11.0 ms, 2.20 x the limit");
}

TEST_CASE("an unproven limit gives a best that is not proven, unless samples are over it",
          "[search][conclude]") {
  Wishes wishes;
  wishes.latency_limits = {{LatencyMetric::p99, 0.040}};
  const Conclusion conclusion = conclude(session(), wishes);
  CHECK(conclusion.verdicts[0].batch == 4);  // batch 8 is over
  CHECK(conclusion.verdicts[0].reason.find(
            "p99 <= 40.0 ms is unproven: 24 runs, 0 over, confidence") != std::string::npos);
  REQUIRE(conclusion.best);
  CHECK_FALSE(conclusion.best->proven);
}

TEST_CASE("the last status counts, and a failed trial has no figures", "[search][conclude]") {
  SessionRecord record = session();
  Round last;
  last.failures = {{3, {TrialStatus::crashed, "signal 11", "", ""}}};
  record.observations.push_back({last, 0, 0});
  const Conclusion conclusion = conclude(record, {});
  CHECK(trial(conclusion, 3).ending.status == TrialStatus::crashed);
  CHECK_FALSE(trial(conclusion, 3).measurement);
  CHECK_FALSE(trial(conclusion, 3).on_front);
  CHECK(conclusion.verdicts[0].batch == 4);
}

TEST_CASE("preparing took no time where it did not succeed", "[search][conclude]") {
  SessionRecord record = session();
  Preparation failed = preparation_of(5, candidate_of("one", 16));
  failed.prepare_seconds = 0;
  failed.ending = {TrialStatus::out_of_memory, "the machine is full", "", "host"};
  record.observations.push_back({failed, 0, 1});
  const Conclusion conclusion = conclude(record, {});
  CHECK(trial(conclusion, 1).prepare_seconds == 0.5);
  CHECK_FALSE(trial(conclusion, 5).prepare_seconds);
}

TEST_CASE("a limit that is kept is never named as the gap", "[search][conclude]") {
  SessionRecord record = session();
  Wishes wishes;
  wishes.latency_limits = {{LatencyMetric::p50, 1}};
  wishes.memory_limit = 2000;
  for (const char* backend : {"one", "two"}) {
    Probe probe;
    probe.candidate = candidate_of(backend, 1);
    probe.limit = wishes.memory_limit;
    probe.ending = {TrialStatus::out_of_memory, "killed", "rss", "host"};
    record.observations.push_back({probe, 0, 0});
  }
  const Conclusion conclusion = conclude(record, wishes);
  REQUIRE(conclusion.verdicts[0].nothing_fits);
  CHECK(conclusion.verdicts[0].nothing_fits->gap == "batch 1 ran out of memory alone");
  CHECK(conclusion.verdicts[0].nothing_fits->levers.back() == "a higher memory limit");
}

TEST_CASE("trials over the memory limit are out", "[search][conclude]") {
  SessionRecord record = session();
  for (const std::int64_t batch : {1, 4}) {
    Probe probe;
    probe.candidate = candidate_of("one", batch);
    probe.memory = MemoryUse{1000, 100 * batch, 0, MemoryKind::rss};
    record.observations.push_back({probe, 0, 0});
  }
  Wishes wishes;
  wishes.memory_limit = 1500;  // batch 8 is on the line: 1800
  const Conclusion conclusion = conclude(record, wishes);
  CHECK(conclusion.verdicts[0].batch == 4);
  CHECK(conclusion.verdicts[0].headroom == 100.0);
  CHECK_FALSE(trial(conclusion, 3).on_front);
  CHECK_FALSE(trial(conclusion, 3).memory);  // the solo run's peak, and there was none
  CHECK(trial(conclusion, 2).memory == 1400);
  CHECK(trial(conclusion, 2).memory_kind == MemoryKind::rss);
  wishes.memory_limit = 500;
  const Conclusion none = conclude(record, wishes);
  REQUIRE(none.verdicts[0].nothing_fits);
  CHECK(none.verdicts[0].nothing_fits->gap.find("memory") != std::string::npos);
  CHECK(none.verdicts[0].nothing_fits->levers.back() == "a memory limit of 1.07 KiB");
}

TEST_CASE("estimates are read off the curve and never beyond its ends", "[search][conclude]") {
  SessionRecord record = session();
  Estimate estimate;
  estimate.group = candidate_of("one", 1).group;
  estimate.curve = {{2, 0.02, 100, 1000, Bound::memory}, {6, 0.04, 150, 2000, Bound::compute}};
  record.header.estimates = {estimate};
  const Conclusion conclusion = conclude(record, {});
  REQUIRE(trial(conclusion, 2).estimate);
  CHECK(trial(conclusion, 2).estimate->batch == 4);
  CHECK(trial(conclusion, 2).estimate->latency == Approx(0.03));
  CHECK(trial(conclusion, 2).estimate->memory == Approx(1500));
  CHECK(trial(conclusion, 2).estimate->throughput == Approx(4 / 0.03));
  CHECK_FALSE(trial(conclusion, 1).estimate);
  CHECK_FALSE(trial(conclusion, 3).estimate);
}

TEST_CASE("measure has no verdicts, and an empty session concludes nothing", "[search][conclude]") {
  SessionRecord record = session();
  record.header.command = "measure";
  CHECK(conclude(record, {}).verdicts.empty());
  const Conclusion empty = conclude(SessionRecord{}, {});
  CHECK(empty.trials.empty());
  CHECK_FALSE(empty.best);
}

TEST_CASE(
    "a trial that is too noisy or was seen too little is unstable with the reason, and ranked",
    "[search][conclude]") {
  SessionRecord record = session();
  record.observations.push_back({preparation_of(5, candidate_of("two", 16)), 0, 1});
  for (int r = 0; r < 2; ++r) {
    Round round;
    round.visits = {visit_of(1, 0.010), visit_of(5, 0.060)};
    record.observations.push_back({round, 0, 1});
  }
  const Conclusion conclusion = conclude(record, {});
  CHECK(trial(conclusion, 2).ending.status == TrialStatus::ok);
  CHECK(trial(conclusion, 5).ending.status == TrialStatus::unstable);
  CHECK(trial(conclusion, 5).ending.reason == "it met the anchor in 2 rounds only");
  CHECK(trial(conclusion, 5).measurement);
  CHECK(conclusion.verdicts[1].batch == 16);  // 267 samples/s against 200
  CHECK(conclusion.verdicts[1].reason.find("its figures are unstable: it met the anchor") !=
        std::string::npos);
}

TEST_CASE("a rough figure of a trial that a search left behind is no fault, where none chose it is",
          "[search][conclude]") {
  SessionRecord record = session();
  record.observations.push_back({preparation_of(5, candidate_of("one", 16)), 0, 1});
  for (int r = 0; r < 2; ++r) {
    Round round;
    round.visits = {visit_of(1, 0.010), visit_of(5, 0.600)};
    record.observations.push_back({round, 0, 1});
  }
  CHECK(trial(conclude(record, {}), 5).ending.status == TrialStatus::ok);
  record.header.command = "measure";
  CHECK(trial(conclude(record, {}), 5).ending.status == TrialStatus::unstable);
}

TEST_CASE("under a limit the best that keeps it is a contender, not the faster ones that do not",
          "[search][conclude]") {
  SessionRecord record = session();
  Round round;  // by itself: two rounds of a trial that is slower than all others but keeps 5 ms
  record.observations.push_back({preparation_of(5, candidate_of("one", 2)), 0, 1});
  for (int r = 0; r < 2; ++r) {
    round.visits = {visit_of(1, 0.010), visit_of(5, 0.050)};
    record.observations.push_back({round, 0, 1});
  }
  Probe probe;
  for (const auto& [batch, bytes] : {std::pair<std::int64_t, Bytes>{1, 3000}, {2, 500}}) {
    probe.candidate = candidate_of("one", batch);
    probe.memory = MemoryUse{bytes, 0, 0, MemoryKind::account};
    record.observations.push_back({probe, 0, 0});
  }
  CHECK(trial(conclude(record, {}), 5).ending.status == TrialStatus::ok);  // clearly behind
  Wishes wishes;
  wishes.latency_limits = {{LatencyMetric::p50, 0.055}};
  wishes.memory_limit = 1000;
  for (const std::int64_t batch : {4, 8}) {  // they need too much memory
    probe.candidate = candidate_of("one", batch);
    probe.memory = MemoryUse{3000, 0, 0, MemoryKind::account};
    record.observations.push_back({probe, 0, 0});
  }
  const Conclusion conclusion = conclude(record, wishes);
  REQUIRE(conclusion.verdicts[0].trial == 5);
  CHECK(trial(conclusion, 5).ending.status == TrialStatus::unstable);
  CHECK(trial(conclusion, 3).ending.status == TrialStatus::ok);
}

TEST_CASE("limits are decided at spaced looks, on what was seen until then", "[search][conclude]") {
  SessionRecord record = session();  // twelve visits, a look
  Round round;
  round.visits = {visit_of(1, 0.010), visit_of(2, 0.090)};
  record.observations.push_back({round, 0, 1});
  Wishes wishes;
  wishes.latency_limits = {{LatencyMetric::p50, 0.040}, {LatencyMetric::max, 0.080}};
  const auto limits = trial(conclude(record, wishes), 2).limits;
  CHECK(limits[0].runs == 26);
  CHECK(limits[0].over == 2);
  LimitVerdict before = trial(conclude(session(), wishes), 2).limits[0];
  CHECK(limits[0].confidence == before.confidence);
  CHECK(limits[0].samples == before.samples);
  CHECK(limits[1].decision == LimitDecision::broken);  // one run breaks `max`, whenever it comes
}

TEST_CASE("the quiet share is of the visits that canaries judged", "[search][conclude]") {
  SessionRecord record = session();
  CHECK_FALSE(conclude(record, {}).quiet_share);
  Round round;
  for (int i = 0; i < 4; ++i) {
    round.visits.push_back(visit_of(1, 0.010));
    if (i == 0) continue;  // no canary beside it
    round.visits.back().host = HostState{};
    round.visits.back().host->compute_canary = {33e-6};
    round.visits.back().disturbed = i == 1;
  }
  record.observations.push_back({round, 0, 1});
  CHECK(conclude(record, {}).quiet_share.value() == Approx(2.0 / 3));
}

TEST_CASE("processes that memory probes killed are counted", "[search][conclude]") {
  SessionRecord record = session();
  for (const bool killed : {true, false, true}) {
    Probe probe;
    probe.candidate = candidate_of("one", 1);
    probe.killed = killed;
    record.observations.push_back({probe, 0, 0});
  }
  CHECK(conclude(record, {}).kills == 2);
}

TEST_CASE("a choice that is proved is preferred to a faster one that is not",
          "[search][conclude]") {
  SessionRecord record = session();
  for (int r = 0; r < 40; ++r) {  // the smaller one is proved by rounds of its own
    Round round;
    const double slow = 1 + 0.1 * (r % 3);
    round.visits = {visit_of(1, 0.010 * slow), visit_of(2, 0.026 * slow)};
    record.observations.push_back({round, 0, 1});
  }
  Wishes wishes;
  wishes.latency_limits = {{LatencyMetric::p90, 0.070}};
  const Conclusion conclusion = conclude(record, wishes);
  CHECK(trial(conclusion, 3).limits[0].decision == LimitDecision::unproven);
  CHECK(trial(conclusion, 2).limits[0].decision == LimitDecision::kept);
  CHECK(conclusion.verdicts[0].batch == 4);
  CHECK(conclusion.verdicts[0].reason.find("; batch 8 with 160 samples/s is not proved: p90 <=") !=
        std::string::npos);
}

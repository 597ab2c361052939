// The early-stopping rule: published sample counts, its mirror image, and correlated runs.
#include "tuner/statistics/promise.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

constexpr Seconds kLimit = 0.020, kUnder = 0.010, kOver = 0.030;

// `over` of `runs` runs are over the limit, evenly spread; visits of `per_visit` runs.
std::vector<VisitSamples> runs_of(int runs, int over, int per_visit = 1) {
  std::vector<VisitSamples> visits;
  for (int run = 0; run < runs; ++run) {
    if (run % per_visit == 0) visits.emplace_back();
    const bool is_over = over > 0 && run % (runs / over) == 0 && run / (runs / over) < over;
    visits.back().push_back(is_over ? kOver : kUnder);
  }
  return visits;
}

LimitVerdict verdict_of(LatencyMetric metric, const std::vector<VisitSamples>& visits) {
  return judge({metric, kLimit}, visits);
}

}  // namespace

TEST_CASE("so many samples prove a percentile as MLPerf LoadGen asks for",
          "[statistics][promise]") {
  struct Row {
    LatencyMetric metric;
    int by_over[5];  // with 0, 1, 2, 5, 10 over the limit
  };
  const Row rows[] = {{LatencyMetric::p90, {44, 64, 81, 127, 197}},
                      {LatencyMetric::p95, {90, 130, 165, 259, 398}},
                      {LatencyMetric::p99, {459, 662, 838, 1307, 2010}}};
  for (const Row& row : rows) {
    int i = 0;
    for (const int over : {0, 1, 2, 5, 10})
      CHECK(samples_to_keep(row.metric, over) == row.by_over[i++]);
  }
  CHECK(samples_to_keep(LatencyMetric::p99_9, 1) == 6636);
  CHECK(samples_to_keep(LatencyMetric::p50, 0) == 7);
  CHECK(samples_to_keep(LatencyMetric::max, 0) == 459);
}

TEST_CASE("a limit is kept from exactly as many samples on", "[statistics][promise]") {
  for (const LatencyMetric metric : kLatencyMetrics) {
    INFO(name_of(metric));
    const int needed = samples_to_keep(metric, 0);
    const LimitVerdict kept = verdict_of(metric, runs_of(needed, 0));
    CHECK(kept.decision == LimitDecision::kept);
    CHECK(kept.confidence.value() >= kPromiseConfidence);
    CHECK(kept.samples == needed);
    CHECK(kept.runs == needed);
    CHECK(kept.over == 0);
    CHECK(verdict_of(metric, runs_of(needed - 1, 0)).decision == LimitDecision::unproven);
  }
}

TEST_CASE("120 samples with none over prove p99 with 70 % confidence", "[statistics][promise]") {
  const LimitVerdict verdict = verdict_of(LatencyMetric::p99, runs_of(120, 0));
  CHECK(verdict.decision == LimitDecision::unproven);
  CHECK(verdict.confidence.value() == Approx(0.70).margin(0.005));
  CHECK(verdict.metric == LatencyMetric::p99);
  CHECK(verdict.limit == kLimit);
}

TEST_CASE("too many over break a limit, and the confidence says how surely",
          "[statistics][promise]") {
  // Of 100 runs 10 +- 3 may be over p90.
  CHECK(verdict_of(LatencyMetric::p90, runs_of(100, 10)).decision == LimitDecision::unproven);
  const LimitVerdict broken = verdict_of(LatencyMetric::p90, runs_of(100, 20));
  CHECK(broken.decision == LimitDecision::broken);
  CHECK(broken.confidence.value() >= kPromiseConfidence);
  CHECK(broken.over == 20);
  const LimitVerdict likely = verdict_of(LatencyMetric::p90, runs_of(100, 15));
  CHECK(likely.decision == LimitDecision::unproven);
  CHECK(likely.confidence.value() < 0.1);  // that it is kept
  // All over: two runs of which 1 % may be are enough.
  CHECK(verdict_of(LatencyMetric::p99, runs_of(1, 1)).decision == LimitDecision::broken);
  CHECK(verdict_of(LatencyMetric::p50, runs_of(6, 6)).decision == LimitDecision::unproven);
  CHECK(verdict_of(LatencyMetric::p50, runs_of(7, 7)).decision == LimitDecision::broken);
}

TEST_CASE("keeping and breaking p50 are mirror images", "[statistics][promise]") {
  for (int over = 0; over <= 40; over += 5) {
    const LimitVerdict one = verdict_of(LatencyMetric::p50, runs_of(40, over));
    std::vector<VisitSamples> mirrored = runs_of(40, over);
    for (VisitSamples& visit : mirrored)
      for (Seconds& seconds : visit) seconds = seconds > kLimit ? kUnder : kOver;
    const LimitVerdict other = verdict_of(LatencyMetric::p50, mirrored);
    CHECK((one.decision == LimitDecision::kept) == (other.decision == LimitDecision::broken));
    CHECK((one.decision == LimitDecision::broken) == (other.decision == LimitDecision::kept));
  }
}

TEST_CASE("a maximum is broken for good by one run", "[statistics][promise]") {
  const LimitVerdict verdict = verdict_of(LatencyMetric::max, runs_of(2000, 1));
  CHECK(verdict.decision == LimitDecision::broken);
  CHECK(verdict.confidence == 1.0);
}

TEST_CASE("runs of a visit that agree with each other count as one", "[statistics][promise]") {
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise(0, 0.05);
  std::vector<VisitSamples> alone, together;
  for (int v = 0; v < 60; ++v) {
    const Seconds level = kUnder * std::exp(noise(random));
    together.push_back({level, level, level, level});
    alone.push_back({});
    for (int run = 0; run < 4; ++run) alone.back().push_back(kUnder * std::exp(noise(random)));
  }
  CHECK(verdict_of(LatencyMetric::p95, together).samples < 70);
  CHECK(verdict_of(LatencyMetric::p95, alone).samples > 140);
  CHECK(verdict_of(LatencyMetric::p95, together).decision == LimitDecision::unproven);
  CHECK(verdict_of(LatencyMetric::p95, alone).decision == LimitDecision::kept);
}

TEST_CASE("a disturbance of many visits is worth few samples", "[statistics][promise]") {
  std::vector<VisitSamples> visits;
  for (int v = 0; v < 200; ++v) visits.push_back({v / 20 % 2 == 0 ? 0.010 : 0.015});
  const LimitVerdict verdict = verdict_of(LatencyMetric::p90, visits);
  CHECK(verdict.samples < 40);
  CHECK(verdict.decision == LimitDecision::unproven);
}

TEST_CASE("without samples nothing is said", "[statistics][promise]") {
  for (const auto& visits : {std::vector<VisitSamples>{}, std::vector<VisitSamples>(3)}) {
    const LimitVerdict verdict = verdict_of(LatencyMetric::p99, visits);
    CHECK(verdict.decision == LimitDecision::unproven);
    CHECK_FALSE(verdict.confidence);
    CHECK(verdict.runs == 0);
    CHECK(verdict.samples == 0);
  }
}

TEST_CASE("more runs under the limit never lower the confidence", "[statistics][promise]") {
  for (const LatencyMetric metric : kLatencyMetrics) {
    double last = 0;
    for (int runs = 1; runs <= 301; runs += 50) {
      const double confidence = verdict_of(metric, runs_of(runs, 0)).confidence.value();
      CHECK(confidence >= last);
      last = confidence;
    }
  }
}

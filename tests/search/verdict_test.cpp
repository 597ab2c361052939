// Fronts, choices, limits and the words that go with them.
#include "tuner/search/verdict.h"

#include <random>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/search/front.h"
#include "tuner/search/limit.h"

using namespace batchtune;

namespace {
Wishes knee() {
  return {};
}
Wishes throughput() {
  Wishes wishes;
  wishes.objective = Objective::throughput;
  return wishes;
}
}  // namespace

TEST_CASE("equal points keep the first on the Pareto front", "[search][front]") {
  CHECK(pareto_front({{1, 1.0, 5}, {2, 1.0, 5}, {3, 2.0, 9}}) == std::vector<TrialId>{1, 3});
  CHECK(pareto_front({{1, 1.0, 4}, {2, 1.0, 5}, {3, 2.0, 5}}) == std::vector<TrialId>{2});
  CHECK(pareto_front({}).empty());
}

TEST_CASE("no point of the front is beaten, every other one is", "[search][front]") {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<FrontPoint> points;
    for (int i = 1; i <= 12; ++i)
      points.push_back(
          {i, static_cast<double>(random() % 6 + 1), static_cast<double>(random() % 6 + 1)});
    const auto front = pareto_front(points);
    const auto beaten = [&](const FrontPoint& point) {
      for (const FrontPoint& other : points) {
        const bool as_good = other.latency <= point.latency && other.throughput >= point.throughput;
        const bool better = other.latency < point.latency || other.throughput > point.throughput;
        if (as_good && (better || other.trial < point.trial)) return true;
      }
      return false;
    };
    for (const FrontPoint& point : points) {
      const bool on = std::find(front.begin(), front.end(), point.trial) != front.end();
      CHECK(on == !beaten(point));
    }
  }
}

TEST_CASE("the knee is the smallest batch within the share that may be given up",
          "[search][verdict]") {
  const std::vector<Choice> choices{{1, 16, 0.040, 400}, {2, 4, 0.0102, 392.5}, {3, 3, 0.008, 375}};
  CHECK(choose(choices, knee()) == 1);
  CHECK(choose(choices, throughput()) == 0);
  CHECK_FALSE(choose({}, knee()));
  CHECK(reason_for(choices[1], choices, knee()) ==
        "batch 4: 98 % of the best (16) at a quarter of the latency");
  CHECK(reason_for(choices[0], choices, throughput()) ==
        "batch 16: the best throughput, 400 samples/s");
}

TEST_CASE("equal throughput goes to the smaller batch", "[search][verdict]") {
  const std::vector<Choice> choices{{1, 8, 0.08, 100}, {2, 4, 0.04, 100}};
  CHECK(choose(choices, throughput()) == 1);
  CHECK(choose(choices, knee()) == 1);
}

TEST_CASE("stability is the share of resamplings with the same choice", "[search][verdict]") {
  const std::vector<Choice> choices{{1, 8, 0.08, 100}, {2, 4, 0.04, 99}};
  const std::vector<std::vector<double>> resampled{{100, 99}, {100, 99}, {100, 90}, {100, 99}};
  CHECK(stability_of(1, choices, resampled, knee()) == Approx(0.75));
}

TEST_CASE("a median limit is kept, broken or unproven by the interval of the samples",
          "[search][limit]") {
  std::vector<Seconds> samples;
  for (int i = 0; i < 20; ++i) samples.push_back(0.010 + 0.0001 * ((i * 7) % 20));
  const LimitFinding kept = judge({LatencyMetric::p50, 0.0115}, samples, 20);
  CHECK(kept.verdict.decision == LimitDecision::kept);
  CHECK(kept.verdict.confidence.value() > 0.975);
  CHECK(kept.verdict.samples == 20);
  CHECK_FALSE(kept.over);
  CHECK(judge({LatencyMetric::p50, 0.0101}, samples, 20).verdict.decision == LimitDecision::broken);
  const LimitFinding open = judge({LatencyMetric::p50, 0.01095}, samples, 20);
  CHECK(open.verdict.decision == LimitDecision::unproven);
  CHECK_FALSE(open.verdict.confidence);
  CHECK(judge({LatencyMetric::p50, 1}, std::vector<Seconds>(5, 0.01), 5).verdict.decision ==
        LimitDecision::unproven);  // five samples prove nothing at 95 %
  CHECK(judge({LatencyMetric::p50, 1}, {}, 0).over);
}

TEST_CASE("other metrics are unproven, and over when the samples themselves are",
          "[search][limit]") {
  std::vector<Seconds> samples(100, 0.010);
  samples.back() = 0.030;
  const LimitFinding fine = judge({LatencyMetric::p99, 0.020}, samples, 50);
  CHECK(fine.verdict.decision == LimitDecision::unproven);
  CHECK_FALSE(fine.verdict.confidence);
  CHECK_FALSE(fine.over);
  CHECK(judge({LatencyMetric::max, 0.020}, samples, 50).over);
}

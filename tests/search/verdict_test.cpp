// Fronts, choices, limits and the words that go with them.
#include "tuner/search/verdict.h"

#include <random>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/search/front.h"

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

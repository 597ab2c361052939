// Fronts, choices, limits and the words that go with them.
#include "tuner/search/verdict.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
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

Wishes lowest_latency(double floor) {
  Wishes wishes;
  wishes.objective = Objective::latency;
  wishes.throughput_floor = floor;
  return wishes;
}
Wishes lowest_cost(std::map<std::string, double> prices) {
  Wishes wishes;
  wishes.objective = Objective::cost;
  wishes.prices = std::move(prices);
  return wishes;
}

const Alike kNobody = [](const Choice&, const Choice&) { return false; };

// Small integers, so that ties and equal choices come.
std::vector<Choice> random_choices(std::mt19937_64& random) {
  std::vector<Choice> choices;
  const int count = static_cast<int>(random() % 9);
  for (int i = 1; i <= count; ++i) {
    const auto batch = static_cast<std::int64_t>(random() % 12 + 1);
    const int instances = static_cast<int>(random() % 2 + 1);
    const double throughput = 100 + 2 * static_cast<double>(random() % 8);
    choices.push_back({i, batch, static_cast<double>(batch) * instances / throughput, throughput,
                       random() % 2 ? "a" : "b", instances});
  }
  return choices;
}

std::vector<Wishes> all_wishes() {
  return {knee(),
          throughput(),
          lowest_latency(106),
          lowest_latency(0),
          lowest_cost({}),
          lowest_cost({{"a", 0.34}}),
          lowest_cost({{"a", 0.34}, {"", 0.36}})};
}

// What the objective says itself, without choose().
bool dominates(const Choice& a, const Choice& b, const Wishes& wishes) {
  const auto price = [&](const Choice& c) { return price_of(wishes, c.backend).value_or(1); };
  switch (wishes.objective) {
    case Objective::throughput:
      return a.throughput > b.throughput;
    case Objective::cost:
      return a.throughput / price(a) > b.throughput / price(b);
    case Objective::latency:
      return a.throughput >= *wishes.throughput_floor && a.latency < b.latency;
    case Objective::knee:
      return a.throughput >= b.throughput && a.batch * a.instances < b.batch * b.instances;
  }
  return false;
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

TEST_CASE("the lowest latency is of those with the wished throughput", "[search][verdict]") {
  const std::vector<Choice> choices{{1, 1, 0.010, 100}, {2, 4, 0.030, 133}, {3, 8, 0.050, 160}};
  CHECK(choose(choices, lowest_latency(120)) == 1);
  CHECK(choose(choices, lowest_latency(0)) == 0);
  CHECK_FALSE(choose(choices, lowest_latency(161)));
  CHECK(reason_for(choices[1], choices, lowest_latency(120)) ==
        "batch 4: the lowest latency with at least 120 samples/s, 30.0 ms; 83 % of the best (8) at "
        "60 % of the latency");
}

TEST_CASE("cost is price over throughput, and one without a price comes last",
          "[search][verdict]") {
  const std::vector<Choice> choices{{1, 8, 0.04, 200, "dear"}, {2, 8, 0.08, 100, "cheap"}};
  CHECK(choose(choices, lowest_cost({{"dear", 3}, {"cheap", 1}})) == 1);
  CHECK(choose(choices, lowest_cost({{"dear", 3}})) == 0);
  CHECK(choose(choices, lowest_cost({})) == 0);
  CHECK(price_of_million(0.36, 100) == Approx(1));
  CHECK(reason_for(choices[1], choices, lowest_cost({{"dear", 3}, {"cheap", 0.36}})) ==
        "batch 8: 50 % of the best (8) at 200 % of the latency");
  CHECK(is_better(choices[1], choices[0], lowest_cost({{"dear", 3}, {"cheap", 1}})));
  CHECK_FALSE(is_better(choices[1], choices[0], throughput()));
}

TEST_CASE("of two splits of the CPUs the smaller has fewer samples in flight",
          "[search][verdict]") {
  const std::vector<Choice> choices{{1, 4, 0.08, 100, "", 2}, {2, 6, 0.06, 100, "", 1}};
  CHECK(choose(choices, knee()) == 1);
  CHECK(choose(choices, throughput()) == 1);
}

TEST_CASE("what is chosen is not dominated, loses nothing, and does not hang on the order",
          "[search][verdict]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<Choice> choices = random_choices(random);
    for (const Wishes& wishes : all_wishes()) {
      const auto chosen = choose(choices, wishes);
      CHECK(chosen == choose(choices, wishes, kNobody));
      if (!chosen) {
        const bool any = std::any_of(choices.begin(), choices.end(), [&](const Choice& choice) {
          return choice.throughput >= wishes.throughput_floor.value_or(0);
        });
        CHECK_FALSE(any);
        continue;
      }
      const Choice best = choices[*chosen];
      CHECK(regret_of(best, choices, wishes) == 0);
      for (const Choice& other : choices) {
        const bool both_priced =
            wishes.objective != Objective::cost || wishes.prices.empty() ||
            (price_of(wishes, other.backend) && price_of(wishes, best.backend));
        if (both_priced) CHECK_FALSE(dominates(other, best, wishes));
        CHECK(regret_of(other, choices, wishes) >= 0);
      }
      std::shuffle(choices.begin(), choices.end(), random);
      CHECK(choices[*choose(choices, wishes)].trial == best.trial);
    }
  }
}

TEST_CASE("a device that is so many times slower gets the same choice and regrets",
          "[search][verdict]") {
  std::mt19937_64 random(12);
  for (int round = 0; round < 100; ++round) {
    const std::vector<Choice> choices = random_choices(random);
    std::vector<Choice> slower = choices;
    constexpr double kSlower = 8;  // a power of two: exactly
    for (Choice& choice : slower) {
      choice.latency *= kSlower;
      choice.throughput /= kSlower;
    }
    for (const Wishes& wishes : all_wishes()) {
      Wishes scaled = wishes;
      if (scaled.throughput_floor) *scaled.throughput_floor /= kSlower;
      for (auto& [backend, price] : scaled.prices) price *= kSlower;
      CHECK(choose(slower, scaled) == choose(choices, wishes));
      for (std::size_t i = 0; i < choices.size(); ++i)
        CHECK(regret_of(slower[i], slower, scaled) ==
              Approx(regret_of(choices[i], choices, wishes)).margin(1e-12));
    }
  }
}

TEST_CASE("regret is what is lost by the objective", "[search][verdict]") {
  const std::vector<Choice> choices{{1, 1, 0.010, 100}, {2, 4, 0.025, 160}, {3, 8, 0.040, 200}};
  CHECK(regret_of(choices[1], choices, throughput()) == Approx(0.2));
  CHECK(regret_of(choices[1], choices, lowest_cost({{"", 1}})) == Approx(0.2));
  CHECK(regret_of(choices[2], choices, lowest_latency(150)) == Approx(0.6));
  CHECK(regret_of(choices[0], choices, lowest_latency(150)) == Approx(1 - 100 / 150.0));
  CHECK(regret_of(choices[1], choices, lowest_latency(400)) == Approx(0.2));
  CHECK(regret_of(choices[1], choices, knee()) == Approx(1 - 160 / 196.0));
  CHECK(regret_of({4, 16, 0.08, 200}, choices, knee()) == Approx(1));
  CHECK(regret_of(choices[0], {}, throughput()) == 0);
}

TEST_CASE("of what cannot be told from the best the smallest is chosen, and steps never add up",
          "[search][verdict]") {
  std::vector<Choice> choices;
  for (int i = 1; i <= 20; ++i) choices.push_back({i, i, i / (100.0 + i), 100.0 + i});
  // Neighbours up to two apart are alike: 18 is as good as 20, and 16 as 18.
  const Alike near = [](const Choice& best, const Choice& other) {
    return best.batch - other.batch <= 2;
  };
  CHECK(choices[*choose(choices, throughput(), near)].batch == 18);
  CHECK(choices[*choose(choices, lowest_cost({}), near)].batch == 18);
  CHECK(choose(choices, knee(), near) == choose(choices, knee()));
  CHECK(choose(choices, lowest_latency(110), near) == choose(choices, lowest_latency(110)));
}

TEST_CASE("stability is the share of resamplings with the same choice", "[search][verdict]") {
  const std::vector<Choice> choices{{1, 8, 0.08, 100}, {2, 4, 0.04, 99}};
  const std::vector<std::vector<double>> resampled{{100, 99}, {100, 99}, {100, 90}, {100, 99}};
  const Stability stability = stability_of(1, choices, resampled, knee(), kNobody);
  CHECK(stability.same == Approx(0.75));
  // Once below the threshold of 98: by 8.2 % of it.
  CHECK(stability.expected_regret == Approx((1 - 90 / 98.0) / 4));
}

// How many runs a visit has, and which contenders a round draws.
#include <cmath>
#include <map>
#include <set>

#include "tests/support/catch.h"
#include "tuner/measure/round_plan.h"

using namespace batchtune;

TEST_CASE("short runs are warmed twice, long ones once, very long ones not at all", "[round]") {
  CHECK(visit_length(0.0001).warm == 5);  // half a millisecond
  CHECK(visit_length(0.0005).warm == 2);
  CHECK(visit_length(0.0099).warm == 2);
  CHECK(visit_length(0.011).warm == 1);
  CHECK(visit_length(0.9).warm == 1);
  CHECK(visit_length(1.1) == VisitLength{0, 1});
}

TEST_CASE("a visit has at least one timed run and lasts tens of milliseconds where it can",
          "[round]") {
  for (double run = 1e-7; run < 100; run *= 1.3) {
    const VisitLength length = visit_length(run);
    INFO(run);
    CHECK(length.timed >= 1);
    if (run > 0.001 && run < 0.03) {
      CHECK(run * length.timed >= 0.03);
      CHECK(run * length.timed <= 0.06);
    }
  }
  CHECK(visit_length(0).timed == visit_length(1e-9).timed);  // a virtual clock may say 0
}

namespace {

PricedContender priced(TrialId trial, double weight, Seconds run) {
  return price({trial, weight}, run, 0, 2);
}

Seconds seconds_of(const std::vector<PricedContender>& drawn) {
  Seconds sum = 0;
  for (const PricedContender& contender : drawn) sum += contender.visit_seconds();
  return sum;
}

}  // namespace

TEST_CASE("a draw fits the time, holds nobody twice, and repeats with its seed", "[round]") {
  std::vector<PricedContender> contenders;
  for (int i = 1; i <= 40; ++i) contenders.push_back(priced(i, 1, 0.001 * i));
  BalancedDraws draws, same_draws, other_draws;
  bool differ = false;
  for (std::uint64_t sequence = 0; sequence < 50; ++sequence) {
    RoundRandom random = round_random(7, sequence), same = round_random(7, sequence),
                other = round_random(8, sequence);
    const auto drawn = draws.draw(contenders, 0.5, random);
    const auto again = same_draws.draw(contenders, 0.5, same);
    const auto others = other_draws.draw(contenders, 0.5, other);
    REQUIRE(drawn.size() == again.size());
    differ = differ || drawn.size() != others.size() || drawn[0].trial != others[0].trial;
    std::set<TrialId> trials;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      CHECK(drawn[i].trial == again[i].trial);
      CHECK(trials.insert(drawn[i].trial).second);
    }
    CHECK(seconds_of(drawn) <= 0.5);
    CHECK(drawn.size() > 5);
  }
  CHECK(differ);
}

TEST_CASE("over many rounds all are drawn equally often and meet equally often", "[round]") {
  for (const int count : {5, 9, 13}) {
    std::vector<PricedContender> contenders;
    for (int i = 1; i <= count; ++i)
      contenders.push_back(priced(i, 1, 0.1));  // one warm, one timed
    BalancedDraws draws;
    std::map<TrialId, int> visits;
    std::map<std::pair<TrialId, TrialId>, int> meetings;
    constexpr int kRounds = 200, kDrawn = 4;
    for (std::uint64_t sequence = 0; sequence < kRounds; ++sequence) {
      RoundRandom random = round_random(11, sequence);
      const auto drawn = draws.draw(contenders, 0.85, random);
      REQUIRE(drawn.size() == kDrawn);
      for (const PricedContender& a : drawn) {
        ++visits[a.trial];
        for (const PricedContender& b : drawn)
          if (a.trial < b.trial) ++meetings[{a.trial, b.trial}];
      }
      int least = kRounds, most = 0;
      for (const PricedContender& contender : contenders) {
        least = std::min(least, visits[contender.trial]);
        most = std::max(most, visits[contender.trial]);
      }
      REQUIRE(most - least <= 1);
    }
    const double expected = kRounds * kDrawn * (kDrawn - 1.0) / (count * (count - 1.0));
    CHECK(static_cast<int>(meetings.size()) == count * (count - 1) / 2);
    for (const auto& [pair, times] : meetings) {
      INFO(count << ": " << pair.first << " and " << pair.second);
      CHECK(std::abs(times - expected) <= 3);
    }
  }
}

TEST_CASE("who costs more is drawn as often, and rounds keep their seconds", "[round]") {
  std::vector<PricedContender> contenders;
  for (int i = 1; i <= 10; ++i) contenders.push_back(priced(i, 1, 0.04 * i));
  BalancedDraws draws;
  std::map<TrialId, int> visits;
  for (std::uint64_t sequence = 0; sequence < 300; ++sequence) {
    RoundRandom random = round_random(5, sequence);
    const auto drawn = draws.draw(contenders, 1.5, random);
    CHECK(seconds_of(drawn) <= 1.5);
    for (const PricedContender& contender : drawn) ++visits[contender.trial];
  }
  for (int i = 2; i <= 10; ++i) CHECK(std::abs(visits[i] - visits[1]) <= 1);
}

TEST_CASE("where every run is longer than the round one contender is drawn", "[round]") {
  RoundRandom random = round_random(1, 1);
  BalancedDraws draws;
  CHECK(draws.draw({priced(1, 1, 5), priced(2, 1, 9)}, 0.5, random).size() == 1);
  CHECK(draws.draw({priced(1, 1, 5)}, -3, random).size() == 1);
  CHECK(draws.draw({}, 2, random).empty());
}

TEST_CASE("a run above a second comes alone with the anchor", "[round]") {
  const std::vector<PricedContender> contenders = {priced(1, 1, 1.1), priced(2, 1, 0.01),
                                                   priced(3, 1, 0.01)};
  BalancedDraws draws;
  std::map<TrialId, int> visits;
  for (std::uint64_t sequence = 0; sequence < 40; ++sequence) {
    RoundRandom random = round_random(1, sequence);
    const auto drawn = draws.draw(contenders, 2, random);
    for (const PricedContender& contender : drawn) {
      ++visits[contender.trial];
      if (contender.trial == 1) CHECK(drawn.size() == 1);
    }
  }
  CHECK(std::abs(visits[1] - visits[2]) <= 1);
  CHECK(std::abs(visits[2] - visits[3]) <= 1);
}

TEST_CASE("visits follow the weights", "[round]") {
  BalancedDraws draws;
  std::map<TrialId, int> visits;
  for (std::uint64_t sequence = 0; sequence < 400; ++sequence) {
    RoundRandom random = round_random(3, sequence);
    ++visits[draws.draw({priced(1, 1, 5), priced(2, 3, 5)}, 0, random).front().trial];
  }
  CHECK(std::abs(visits[2] - 300) <= 1);
}

TEST_CASE("who joins late or was away starts where the others stand", "[round]") {
  BalancedDraws draws;
  const std::vector<PricedContender> two = {priced(1, 1, 5), priced(2, 1, 5)};
  const std::vector<PricedContender> three = {priced(1, 1, 5), priced(2, 1, 5), priced(3, 1, 5)};
  std::map<TrialId, int> visits;
  std::uint64_t sequence = 0;
  const auto draw = [&](const std::vector<PricedContender>& contenders) {
    RoundRandom random = round_random(3, sequence++);
    ++visits[draws.draw(contenders, 0, random).front().trial];
  };
  for (int i = 0; i < 40; ++i) draw(two);
  for (int i = 0; i < 30; ++i) draw(three);
  CHECK(std::abs(visits[3] - 10) <= 1);
  for (int i = 0; i < 40; ++i) draw(two);
  visits.clear();
  for (int i = 0; i < 30; ++i) draw(three);
  CHECK(std::abs(visits[3] - 10) <= 1);
}

TEST_CASE("wanted timed runs are honoured as far as the seconds hold them", "[round]") {
  CHECK(price({1, 1, 0}, 0.02, 0, 2).length == visit_length(0.02));
  CHECK(price({1, 1, 50}, 0.02, 0, 2).length == VisitLength{1, 50});
  CHECK(price({1, 1, 500}, 0.02, 0, 2).length == VisitLength{1, 99});
  CHECK(price({1, 1, 500}, 0.02, 0, 2).visit_seconds() <= 2);
  CHECK(price({1, 1, 9}, 5, 0, 2).length == VisitLength{0, 1});
  CHECK(price({1, 1, 100}, 0, 0, 2).length.timed == 100);  // a virtual clock may say 0
  CHECK(price({1, 1, 0}, 0.02, 4, 2).length.warm == 4);
}

TEST_CASE("a shuffle keeps every item and reaches every order", "[round]") {
  std::set<std::vector<int>> orders;
  for (std::uint64_t sequence = 0; sequence < 200; ++sequence) {
    RoundRandom random = round_random(1, sequence);
    std::vector<int> items = {1, 2, 3};
    shuffle_in_place(items, random);
    CHECK(std::set<int>(items.begin(), items.end()).size() == 3);
    orders.insert(items);
  }
  CHECK(orders.size() == 6);
}

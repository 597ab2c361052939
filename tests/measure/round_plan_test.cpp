// How many runs a visit has, and which contenders a round draws.
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

TEST_CASE("a draw fits the time, holds nobody twice, and repeats with its seed", "[round]") {
  std::vector<PricedContender> contenders;
  for (int i = 1; i <= 40; ++i) contenders.push_back({i, 1.0, 0.001 * i});
  for (std::uint64_t sequence = 0; sequence < 50; ++sequence) {
    RoundRandom random = round_random(7, sequence), same = round_random(7, sequence);
    const auto drawn = draw_contenders(contenders, 0.5, random);
    const auto again = draw_contenders(contenders, 0.5, same);
    REQUIRE(drawn.size() == again.size());
    std::set<TrialId> trials;
    Seconds sum = 0;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      CHECK(drawn[i].trial == again[i].trial);
      CHECK(trials.insert(drawn[i].trial).second);
      sum += drawn[i].visit_seconds();
    }
    CHECK(sum <= 0.5);
    CHECK(drawn.size() > 5);
  }
}

TEST_CASE("where every run is longer than the round one contender is drawn", "[round]") {
  RoundRandom random = round_random(1, 1);
  CHECK(draw_contenders({{1, 1, 5.0}, {2, 1, 9.0}}, 0.5, random).size() == 1);
  CHECK(draw_contenders({{1, 1, 5.0}}, -3, random).size() == 1);
  CHECK(draw_contenders({}, 2, random).empty());
}

TEST_CASE("weights are relative chances", "[round]") {
  std::map<TrialId, int> first;
  for (std::uint64_t sequence = 0; sequence < 4000; ++sequence) {
    RoundRandom random = round_random(3, sequence);
    ++first[draw_contenders({{1, 1, 5.0}, {2, 3, 5.0}}, 0, random).front().trial];
  }
  CHECK(first[2] > 2850);  // 3000 expected, standard deviation 27
  CHECK(first[2] < 3150);
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

// Warm runs grow until the first timed run is like the later ones.
#include "tuner/measure/warm_up.h"

#include <random>

#include "tests/support/catch.h"
#include "tuner/measure/known_programs.h"
#include "tuner/measure/round_plan.h"

using namespace batchtune;

namespace {

// Warm runs after so many visits of a program whose first `slow` runs after a switch take 8 % more.
int warm_after(int visits, int slow, Seconds run, double jitter = 0.002) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, jitter);
  WarmUps warm_ups;
  int before = 0;
  for (int visit = 0; visit < visits; ++visit) {
    const int warm = warm_ups.warm_runs(1, run);
    CHECK(warm >= before);
    before = warm;
    std::vector<Seconds> timed;
    for (int i = warm; i < warm + visit_length(run).timed; ++i)
      timed.push_back(run * (i < slow ? 1.08 : 1) * (1 + noise(random)));
    warm_ups.add(1, run, warm, timed);
  }
  return warm_ups.warm_runs(1, run);
}

}  // namespace

TEST_CASE("a program that is slow for longer than the table says is warmed for longer",
          "[warm-up]") {
  CHECK(warm_after(40, 6, 0.002) == 6);
  CHECK(warm_after(40, 3, 0.002) == 3);
}

TEST_CASE("a program that is warm in time keeps the table's runs", "[warm-up]") {
  CHECK(warm_after(40, 0, 0.002) == visit_length(0.002).warm);
  CHECK(warm_after(40, 2, 0.002) == visit_length(0.002).warm);
  CHECK(warm_after(40, 0, 0.0) == visit_length(0.0).warm);
}

TEST_CASE("growth ends, and long runs are not warmed for ever", "[warm-up]") {
  CHECK(warm_after(200, 1000, 0.0005) <= 16);
  CHECK(warm_after(200, 12, 0.0005) <= 16);
  WarmUps warm_ups;
  for (int i = 0; i < 50; ++i) warm_ups.add(1, 0.1, 1, {0.15, 0.15, 0.1, 0.1, 0.1});
  CHECK(warm_ups.warm_runs(1, 0.1) == 2);  // a quarter of a second
}

TEST_CASE("what is forgotten starts with the table again", "[warm-up]") {
  WarmUps warm_ups;
  for (int i = 0; i < 20; ++i)
    warm_ups.add(1, 0.002, 2, {0.003, 0.002, 0.002, 0.002, 0.002 + i * 1e-6});
  CHECK(warm_ups.warm_runs(1, 0.002) > 2);
  CHECK(warm_ups.warm_runs(2, 0.002) == 2);
  warm_ups.forget(1);
  CHECK(warm_ups.warm_runs(1, 0.002) == 2);
}

TEST_CASE("warm runs are never fewer than they were, whatever the last visit took", "[warm-up]") {
  WarmUps warm_ups;
  warm_ups.add(1, 0.0099, 2, {0.0099, 0.0099, 0.0099});
  CHECK(visit_length(0.0101).warm == 1);
  CHECK(warm_ups.warm_runs(1, 0.0101) == 2);
  warm_ups.add(1, 0.0101, 2, {0.0101, 0.0101, 0.0101});
  CHECK(warm_ups.warm_runs(1, 0.0101) == 2);
}

TEST_CASE("what is known of an earlier part of the session goes on", "[warm-up]") {
  WarmUps warm_ups;
  warm_ups.know(1, 7);
  CHECK(warm_ups.warm_runs(1, 0.002) == 7);
}

TEST_CASE("what a visit costs beside its runs is priced, and gets it more runs", "[warm-up]") {
  KnownPrograms known;
  known.prepared(1, 0.010);
  const PricedContender before = known.price({1}, 2.0);
  CHECK(before.extra == 0);
  known.visited(
      {1, {}, before.length.warm, {{0.010, 0.010, 0.010}}, std::nullopt, std::nullopt, 4.0});
  const PricedContender after = known.price({1}, -3.0);  // nothing is left of the round
  CHECK(after.extra == 4.0);
  CHECK(after.length.timed == 64);
  CHECK(after.visit_seconds() == Approx(4.0 + 0.010 * after.length.runs()));
  known.forget(1);
  known.prepared(1, 0.010);
  CHECK(known.price({1}, 2.0).extra == 0);
}

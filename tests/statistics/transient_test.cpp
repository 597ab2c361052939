// Whether the first timed run of a visit is like the later ones.
#include "tuner/statistics/transient.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

// Visits of `runs` timed runs with `noise`; run i is slower by slow[i]; a visit is disturbed as a
// whole by up to 50 %.
std::vector<std::vector<Seconds>> visits_of(int count, int runs, std::vector<double> slow,
                                            double noise, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> own;
  std::uniform_real_distribution<double> common(1, 1.5);
  std::vector<std::vector<Seconds>> visits;
  slow.resize(static_cast<std::size_t>(runs), 0);
  for (int v = 0; v < count; ++v) {
    const double disturbance = common(random);
    auto& visit = visits.emplace_back();
    for (const double share : slow)
      visit.push_back(0.010 * disturbance * (1 + share) * std::exp(noise * own(random)));
  }
  return visits;
}

}  // namespace

TEST_CASE("a first run that finds cold caches is found", "[statistics][transient]") {
  CHECK(transient_runs(visits_of(10, 3, {0.08}, 0.01, 1)) == 1);
  CHECK(transient_runs(visits_of(10, 4, {0.08, 0.04}, 0.01, 1)) == 2);
  CHECK(transient_runs(visits_of(40, 3, {0.03}, 0.02, 1)) == 1);
}

TEST_CASE("a first run like the later ones is left alone", "[statistics][transient]") {
  int wrong = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed)
    wrong += transient_runs(visits_of(12, 3, {}, 0.02, seed)) > 0;
  CHECK(wrong <= 8);
  CHECK(transient_runs(visits_of(20, 3, {0.005}, 0, 1)) == 0);  // within 1 %
}

TEST_CASE("a single disturbed visit proves nothing", "[statistics][transient]") {
  auto visits = visits_of(10, 3, {}, 0.005, 1);
  visits[4][0] *= 3;
  CHECK(transient_runs(visits) == 0);
}

TEST_CASE("too few visits or runs say nothing", "[statistics][transient]") {
  CHECK(transient_runs(visits_of(4, 3, {0.5}, 0, 1)) == 0);
  CHECK(transient_runs(visits_of(10, 1, {0.5}, 0, 1)) == 0);
  CHECK(transient_runs({}) == 0);
}

// Why a trial's figure is not to be trusted, in words.
#include "tuner/statistics/stability.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/statistics/synthetic.h"
#include "tests/support/catch.h"

using namespace batchtune;

namespace {

constexpr double kPrecision = 0.01;

// Trial 2 takes 1.7 x the anchor's time, times `change(r)` in round r.
template <typename Change>
std::vector<RoundMedians> rounds_with(int count, double noise, Change change) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> own;
  std::vector<RoundMedians> rounds;
  for (int r = 0; r < count; ++r)
    rounds.push_back({{1, "", 0.010}, {2, "", 0.017 * change(r) * std::exp(noise * own(random))}});
  return rounds;
}

constexpr auto kSteady = [](int) { return 1.0; };

}  // namespace

TEST_CASE("a steady ratio is trusted", "[statistics][stability]") {
  CHECK_FALSE(unstable_reason(rounds_with(20, 0.01, kSteady), 1, 2, kPrecision));
  CHECK_FALSE(unstable_reason(rounds_with(6, 0, kSteady), 1, 2, kPrecision));
  CHECK_FALSE(unstable_reason(rounds_with(20, 0.01, kSteady), 1, 1, kPrecision));  // the anchor
}

TEST_CASE("few rounds are no figure", "[statistics][stability]") {
  CHECK(unstable_reason(rounds_with(5, 0, kSteady), 1, 2, kPrecision).value() ==
        "it met the anchor in 5 rounds only");
  CHECK(unstable_reason(rounds_with(5, 0, kSteady), 1, 1, kPrecision).value() ==
        "it was visited in 5 rounds only");
  CHECK(unstable_reason({}, 1, 2, kPrecision).value() == "it was visited in 0 rounds only");
}

TEST_CASE("a wide interval is no figure, unless little precision was asked for",
          "[statistics][stability]") {
  const auto rounds = rounds_with(8, 0.12, kSteady);
  const auto reason = unstable_reason(rounds, 1, 2, kPrecision);
  REQUIRE(reason);
  CHECK(reason->find("its ratio to the anchor is known to +-") == 0);
  CHECK(reason->find("after 8 rounds; 1.0 % was asked for") != std::string::npos);
  CHECK_FALSE(unstable_reason(rounds, 1, 2, 0.1));
}

TEST_CASE("a ratio that moved during the session is no figure", "[statistics][stability]") {
  const auto moved = rounds_with(30, 0.005, [](int r) { return r < 15 ? 1.0 : 1.06; });
  const auto reason = unstable_reason(moved, 1, 2, kPrecision);
  REQUIRE(reason);
  CHECK(reason->find("between the first and the last third of its rounds") != std::string::npos);
}

TEST_CASE("steady noise is hardly ever called a drift, a real one is found",
          "[statistics][stability]") {
  constexpr int kSessions = 4000;
  std::mt19937_64 random(11);
  std::normal_distribution<double> own(0, 0.03);
  for (const int rounds : {9, 12, 30}) {
    int alarms = 0, found = 0;
    for (int s = 0; s < kSessions; ++s) {
      std::vector<double> steady, moved;
      for (int r = 0; r < rounds; ++r) {
        steady.push_back(own(random));
        moved.push_back(steady.back() + (r < rounds / 2 ? 0 : 0.4));
      }
      alarms += drift_of(steady, kPrecision).has_value();
      found += drift_of(moved, kPrecision).has_value();
    }
    INFO(rounds << " rounds: " << alarms << " alarms, found " << found);
    CHECK(alarms <= 0.01 * kSessions);
    CHECK(found >= (rounds < 12 ? 0.5 : 0.9) * kSessions);
  }
  CHECK_FALSE(drift_of(std::vector<double>{0, 0, 0, 0, 9, 9, 9, 9}, kPrecision));
}

TEST_CASE("common disturbances make few trials unstable", "[statistics][stability]") {
  for (const auto& kind : synthetic::noise_kinds()) {
    INFO(kind.name);
    int unstable = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      synthetic::Plan plan;
      plan.noise = kind.parameters;
      plan.rounds = 30;
      std::vector<RoundMedians> medians;
      for (const Round& round : synthetic::rounds_of(plan, seed))
        medians.push_back(visit_medians(round));
      unstable += unstable_reason(medians, 1, 2, kPrecision).has_value();
    }
    CHECK(unstable <= 8);
  }
}

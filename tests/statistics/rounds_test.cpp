// Paired ratios, levels and the preference for quiet rounds.
#include "tuner/statistics/rounds.h"

#include <cmath>
#include <vector>

#include "tests/statistics/synthetic.h"
#include "tests/support/catch.h"
#include "tuner/statistics/correlation.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/resample.h"

using namespace batchtune;

namespace {

// `disturbed` of `count` rounds, evenly spread, are flagged; there trial 2 takes 3 x the anchor's
// time instead of 2 x, and everything is 1.5 x slower.
std::vector<RoundMedians> flagged_rounds(int count, int disturbed) {
  std::vector<RoundMedians> rounds;
  for (int r = 0; r < count; ++r) {
    const bool hit = (r + 1) * disturbed / count > r * disturbed / count;
    const double slow = hit ? 1.5 : 1;
    rounds.push_back({{0, "cache", 0.002 * slow, hit},
                      {1, "", 0.010 * slow, hit},
                      {2, "", (hit ? 0.030 : 0.020) * slow, hit}});
  }
  return rounds;
}

std::vector<RoundMedians> medians_of(const std::vector<Round>& rounds) {
  std::vector<RoundMedians> medians;
  for (const Round& round : rounds) medians.push_back(visit_medians(round));
  return medians;
}

}  // namespace

TEST_CASE("disturbed rounds are left out where enough quiet ones remain", "[statistics][rounds]") {
  const auto rounds = flagged_rounds(24, 16);  // 8 quiet ones, a third
  const PairedRatio paired = paired_ratio(rounds, 1, 2);
  CHECK(paired.ratio == Approx(2));
  CHECK(paired.shared == 24);
  CHECK(paired.used == 8);
  const auto all = all_indices(24);
  CHECK(level_of(rounds, all, 1, 2)->undisturbed == Approx(0.020));
  CHECK(reference_level(rounds, all, "cache").value() == Approx(0.002));
}

TEST_CASE("disturbed rounds are used where too few quiet ones remain", "[statistics][rounds]") {
  const PairedRatio few = paired_ratio(flagged_rounds(20, 13), 1, 2);  // 7 quiet ones
  CHECK(few.used == 20);
  const PairedRatio rare = paired_ratio(flagged_rounds(40, 30), 1, 2);  // 10, but a quarter
  CHECK(rare.used == 40);
  CHECK(rare.ratio == Approx(3));
}

TEST_CASE("visits and quiet visits are counted by round, and the correlation is told",
          "[statistics][rounds]") {
  synthetic::Plan plan;
  plan.noise.jitter = 0.02;
  plan.noise.neighbour = 0.4;
  plan.seen = 1;
  plan.rounds = 50;
  const auto made = synthetic::rounds_of(plan, 3);
  std::vector<const Round*> pointers;
  int quiet = 0;
  for (const Round& round : made) {
    pointers.push_back(&round);
    for (const Visit& visit : round.visits) quiet += visit.trial == 2 && !visit.disturbed;
  }
  const std::vector<Subject> subjects{{1, 1, 1}, {2, 1, 1}};
  const Measurement measured = levels(pointers, 1, subjects).at(2);
  CHECK(measured.visits == 50);
  CHECK(measured.quiet_visits == quiet);
  CHECK(quiet < 45);
  REQUIRE(measured.autocorrelation);
  CHECK(std::abs(*measured.autocorrelation) < 0.35);
}

TEST_CASE("any two trials of a session are held against each other by their shared rounds",
          "[statistics][rounds]") {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    synthetic::Plan plan;
    plan.noise = synthetic::noise_kinds().back().parameters;
    plan.programs = {{1, "", 0.030}, {2, "", 0.010}, {3, "", 0.0105}};  // 3 does 5 % more work
    plan.rounds = 30;
    const auto medians = medians_of(synthetic::rounds_of(plan, seed));
    const PairedRatio paired = paired_ratio(medians, 2, 3), back = paired_ratio(medians, 3, 2);
    REQUIRE(paired.ci95);
    found += paired.ci95->low > 1;
    CHECK(paired.ratio * back.ratio == Approx(1));
    CHECK(paired.ci95->low * back.ci95->high == Approx(1));
  }
  CHECK(found >= 38);
}

TEST_CASE("a leveller says what level_of says, for every resampling", "[statistics][rounds]") {
  synthetic::Plan plan;
  plan.noise = synthetic::noise_kinds().back().parameters;
  plan.seen = 0.7;
  const auto medians = medians_of(synthetic::rounds_of(plan, 5));
  for (const TrialId anchor : {0, 1})
    for (const TrialId trial : {1, 2, 3}) {
      const Leveller leveller(medians, anchor, trial);
      for (const auto& picked : resamplings(plan.rounds)) {
        const auto one = leveller.at(picked), other = level_of(medians, picked, anchor, trial);
        REQUIRE(one.has_value() == other.has_value());
        CHECK(one.has_value() == (trial != 3));
        if (one) CHECK(one->undisturbed == other->undisturbed);
        if (one) CHECK(one->ratio.has_value() == (anchor == 1));
      }
    }
}

TEST_CASE("scaling a program's time scales its ratio and its interval", "[statistics][rounds]") {
  synthetic::Plan plan;
  plan.noise = synthetic::noise_kinds()[4].parameters;
  auto medians = medians_of(synthetic::rounds_of(plan, 6));
  const PairedRatio before = paired_ratio(medians, 1, 2);
  for (RoundMedians& round : medians)
    for (VisitMedian& visit : round)
      if (visit.trial == 2) visit.median *= 1.25;
  const PairedRatio after = paired_ratio(medians, 1, 2);
  CHECK(after.ratio == Approx(1.25 * before.ratio));
  CHECK(after.ci95->low == Approx(1.25 * before.ci95->low));
  CHECK(after.ci95->high == Approx(1.25 * before.ci95->high));
}

TEST_CASE("neighbours that correlate widen the interval", "[statistics][rounds]") {
  std::vector<double> alternating, blocks;
  for (int i = 0; i < 40; ++i) {
    alternating.push_back(0.01 * ((i * 7) % 10));
    blocks.push_back(0.01 * (i / 4));
  }
  const auto one = locate(alternating), other = locate(blocks);  // the same values in another order
  REQUIRE(one);
  REQUIRE(other);
  CHECK(other->error > 2 * one->error);
  CHECK(neighbour_correlation(blocks).value() > 0.8);
  CHECK_FALSE(neighbour_correlation(std::vector<double>(10, 0.1)));  // nothing varies
  CHECK(integrated_autocorrelation(blocks) > 4);
  CHECK(integrated_autocorrelation(std::vector<double>(10, 0.1)) == 1);
}

// levels(): known ratios under disturbances that a whole round shares, and the awkward sessions.
#include "tuner/statistics/levels.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

Visit visit_of(TrialId trial, std::vector<Seconds> seconds, int warm = 1, int instance = 0) {
  Visit visit;
  visit.trial = trial;
  visit.warm = warm;
  visit.instance = instance;
  visit.seconds = std::move(seconds);
  return visit;
}

std::vector<const Round*> pointers(const std::vector<Round>& rounds) {
  std::vector<const Round*> result;
  for (const Round& round : rounds) result.push_back(&round);
  return result;
}

// Trial 1 takes 10 ms (batch 4), trial 2 18 ms (batch 8), 3 visited in every third round (batch 1,
// 5 ms). A round is disturbed as a whole by up to 2 x, a run by `noise`.
std::vector<Round> disturbed_rounds(int count, double noise, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> common(1.0, 2.0);
  std::normal_distribution<double> own;
  std::vector<Round> rounds(static_cast<std::size_t>(count));
  for (int r = 0; r < count; ++r) {
    const double disturbance = common(random);
    const auto runs = [&](TrialId trial, Seconds quiet) {
      std::vector<Seconds> seconds{quiet * 9};  // a warm run that must not count
      for (int i = 0; i < 3; ++i)
        seconds.push_back(quiet * disturbance * std::exp(noise * own(random)));
      return visit_of(trial, seconds);
    };
    auto& visits = rounds[static_cast<std::size_t>(r)].visits;
    visits = {runs(1, 0.010), runs(2, 0.018)};
    if (r % 3 == 0) visits.push_back(runs(3, 0.005));
  }
  return rounds;
}

const std::vector<Subject> kSubjects{{1, 4, 1}, {2, 8, 1}, {3, 1, 1}};

}  // namespace

TEST_CASE("disturbances that a round shares cancel in the ratios", "[statistics][levels]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto rounds = disturbed_rounds(30, 0, seed);
    const auto result = levels(pointers(rounds), 1, kSubjects);
    CHECK(result.at(1).ratio_to_anchor == 1);
    CHECK(result.at(2).ratio_to_anchor == Approx(1.8 / 2));  // seconds per sample
    CHECK(result.at(3).ratio_to_anchor == Approx(0.5 * 4));
    CHECK(result.at(2).undisturbed == Approx(1.8 * result.at(1).undisturbed));
    CHECK(result.at(1).undisturbed < 0.0135);  // near the quiet 10 ms, far from the mean of 15 ms
    CHECK(result.at(2).throughput_undisturbed == Approx(8 / result.at(2).undisturbed));
    CHECK(result.at(2).throughput_as_seen < result.at(2).throughput_undisturbed);
    CHECK(result.at(2).visits == 30);
    CHECK(result.at(2).samples == 90);
    CHECK(result.at(3).visits == 10);
  }
}

TEST_CASE("the interval of the ratio covers the truth, and that of the level its estimate",
          "[statistics][levels]") {
  int covered = 0;
  const int sessions = 200;
  for (std::uint64_t seed = 1; seed <= sessions; ++seed) {
    const auto rounds = disturbed_rounds(15, 0.03, seed);
    const std::vector<Subject> two{kSubjects[0], kSubjects[1]};
    const auto result = levels(pointers(rounds), 1, two);
    const auto& measurement = result.at(2);
    REQUIRE(measurement.ratio_ci95);
    covered += measurement.ratio_ci95->low <= 0.9 && 0.9 <= measurement.ratio_ci95->high;
    REQUIRE(measurement.undisturbed_ci95);
    CHECK(measurement.undisturbed_ci95->low <= measurement.undisturbed);
    CHECK(measurement.undisturbed_ci95->high >= measurement.undisturbed);
  }
  CHECK(covered >= 0.92 * sessions);
}

TEST_CASE("percentiles are of the timed samples as seen and absent when they are too few",
          "[statistics][levels]") {
  const auto few = levels(pointers(disturbed_rounds(11, 0.01, 1)), 1, kSubjects);
  CHECK(few.at(1).p50);
  CHECK_FALSE(few.at(1).p90);  // 33 samples
  const auto more = levels(pointers(disturbed_rounds(24, 0.01, 1)), 1, kSubjects);
  CHECK(more.at(1).p95);  // 72 samples
  CHECK_FALSE(more.at(1).p99);
  CHECK(more.at(1).max < 0.03);  // the warm runs took 90 ms
  CHECK(*more.at(1).p50 <= *more.at(1).p90);
}

TEST_CASE("without an anchor levels come from a candidate's own visits", "[statistics][levels]") {
  const auto rounds = disturbed_rounds(20, 0, 2);
  const auto result = levels(pointers(rounds), 0, kSubjects);
  CHECK(result.at(2).undisturbed > 0.018);
  CHECK(result.at(2).undisturbed < 0.024);
  CHECK(result.at(2).ratio_to_anchor == 1);
  CHECK_FALSE(result.at(2).ratio_ci95);
}

TEST_CASE("a candidate that never met the anchor is held against it by levels",
          "[statistics][levels]") {
  std::vector<Round> rounds(2);
  rounds[0].visits = {visit_of(1, {0.010, 0.010})};
  rounds[1].visits = {visit_of(2, {0.030, 0.030})};
  const auto result = levels(pointers(rounds), 1, kSubjects);
  CHECK(result.at(2).undisturbed == Approx(0.030));
  CHECK(result.at(2).ratio_to_anchor == Approx(3.0 * 4 / 8));
  CHECK_FALSE(result.at(2).ratio_ci95);
  CHECK(result.count(3) == 0);
}

TEST_CASE("throughput adds up over instances, however unequal they are", "[statistics][levels]") {
  std::vector<Round> rounds(1);
  rounds[0].visits = {visit_of(1, {1, 0.010, 0.010, 0.010}, 1, 0),
                      visit_of(1, {1, 0.010, 0.010, 0.010}, 1, 1),
                      visit_of(1, {1, 0.030, 0.030, 0.030}, 1, 2)};
  const std::vector<Subject> subjects{{1, 4, 3}};
  const auto result = levels(pointers(rounds), 1, subjects);
  const double together = 4 / 0.010 + 4 / 0.010 + 4 / 0.030;
  CHECK(result.at(1).throughput_as_seen == Approx(together));
  CHECK(result.at(1).throughput_undisturbed == Approx(together));
  CHECK(result.at(1).undisturbed == Approx(3 * 4 / together));
  CHECK(result.at(1).p50 == Approx(0.010));  // of all batches, whose ever
  CHECK(result.at(1).visits == 1);
}

TEST_CASE("reference programs have levels and are not taken for trials", "[statistics][levels]") {
  auto rounds = disturbed_rounds(10, 0, 4);
  for (Round& round : rounds) {
    Visit visit = visit_of(0, {0.004, 0.002});
    visit.reference = "cache";
    round.visits.push_back(visit);
  }
  std::vector<RoundMedians> medians;
  for (const Round& round : rounds) medians.push_back(visit_medians(round));
  const std::vector<int> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(reference_level(medians, all, "cache").value() == Approx(0.002));
  CHECK_FALSE(reference_level(medians, all, "compute"));
  CHECK_FALSE(level_of(medians, all, 0, 0));
}

TEST_CASE("visits with warm runs alone, or none, count for nothing", "[statistics][levels]") {
  std::vector<Round> rounds(1);
  rounds[0].visits = {visit_of(1, {0.010}, 1), visit_of(2, {}, 2)};
  CHECK(levels(pointers(rounds), 1, kSubjects).empty());
  CHECK(levels({}, 1, kSubjects).empty());
}

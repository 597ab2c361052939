// The midmean with its interval, and how many samples a percentile needs.
#include "tuner/statistics/interval.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/statistics/correlation.h"
#include "tuner/statistics/location.h"

using namespace batchtune;

TEST_CASE("a percentile is shown from the first number of samples whose interval has both ends",
          "[statistics]") {
  CHECK(samples_needed(LatencyMetric::p90) == 36);
  CHECK(samples_needed(LatencyMetric::p95) == 72);
  CHECK(samples_needed(LatencyMetric::p99) == 368);
  CHECK(samples_needed(LatencyMetric::p99_9) == 3688);
  CHECK(samples_needed(LatencyMetric::p50) == 1);
  CHECK(samples_needed(LatencyMetric::max) == 1);
  for (const LatencyMetric metric :
       {LatencyMetric::p90, LatencyMetric::p95, LatencyMetric::p99, LatencyMetric::p99_9}) {
    const int n = samples_needed(metric);
    CHECK(std::pow(quantile_of(metric), n) <= 0.025);
    CHECK(std::pow(quantile_of(metric), n - 1) > 0.025);
  }
}

TEST_CASE("the interval of the midmean is Yuen's", "[statistics]") {
  // By hand: 2 of 8 are cut off at each end; winsorised 3 3 3 4 5 6 6 6, squares 14.
  const std::vector<double> values{100, 3, -100, 2, 4, 6, 5, 7};
  const auto location = locate(values);
  REQUIRE(location);
  CHECK(location->centre == Approx(4.5));
  CHECK(location->error == Approx(std::sqrt(14.0 / (4 * 3))));
  CHECK(location->freedom == 3);
  const Interval interval = location->interval();
  CHECK(interval.high - 4.5 == Approx(3.182446 * location->error));
  CHECK(4.5 - interval.low == Approx(3.182446 * location->error));
  CHECK(location->interval(0.99).high > interval.high);
  CHECK(location->centre == midmean(values));
}

TEST_CASE("fewer than six values have no interval", "[statistics]") {
  CHECK_FALSE(locate(std::vector<double>(5, 1.0)));
  CHECK(locate(std::vector<double>(6, 1.0)));
  CHECK(locate(std::vector<double>(6, 1.0))->error == 0);
}

TEST_CASE("correlated values are worth fewer", "[statistics]") {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> alone(400), together(400);
  double level = 0;
  for (std::size_t i = 0; i < alone.size(); ++i) {
    alone[i] = normal(random);
    level = 0.9 * level + std::sqrt(1 - 0.81) * normal(random);
    together[i] = level;
  }
  CHECK(integrated_autocorrelation(alone) < 1.5);
  CHECK(integrated_autocorrelation(together) > 10);  // the truth is 19
  CHECK(variance_inflation(alone) == 1);
  CHECK(variance_inflation(together) == integrated_autocorrelation(together));
  CHECK(locate(together)->error > 3 * locate(alone)->error);
}

TEST_CASE("values in groups are worth fewer, the more the groups differ", "[statistics]") {
  const std::vector<std::vector<double>> alike{{1, 2, 3}, {2, 3, 1}, {3, 1, 2}};
  const std::vector<std::vector<double>> apart{{1, 1, 1}, {2, 2, 2}, {3, 3, 3}};
  CHECK(design_effect(alike) == 1);
  CHECK(design_effect(apart) == Approx(3));
  CHECK(design_effect(std::vector<std::vector<double>>{{1}, {2}, {3}}) == 1);
  CHECK(design_effect(std::vector<std::vector<double>>{{1, 2}, {}}) == 1);
  CHECK(design_effect({}) == 1);
}

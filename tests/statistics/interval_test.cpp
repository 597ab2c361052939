// Order-statistic intervals against the published table, and their coverage by simulation.
#include "tuner/statistics/interval.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {
struct Row {
  int n, low, high;
};
}  // namespace

TEST_CASE("ranks of the median interval agree with the exact binomial table", "[statistics]") {
  for (const Row row : {Row{6, 1, 6}, Row{8, 1, 8}, Row{10, 2, 9}, Row{15, 4, 12}, Row{20, 6, 15},
                        Row{30, 10, 21}, Row{50, 18, 33}, Row{100, 40, 61}}) {
    const auto ranks = quantile_ranks(row.n, 0.5);
    REQUIRE(ranks);
    CHECK(ranks->low == row.low);
    CHECK(ranks->high == row.high);
  }
  for (const Row row : {Row{20, 4, 17}, Row{50, 16, 35}}) {
    const auto ranks = quantile_ranks(row.n, 0.5, 0.99);
    REQUIRE(ranks);
    CHECK(ranks->low == row.low);
    CHECK(ranks->high == row.high);
  }
  CHECK_FALSE(quantile_ranks(5, 0.5));
  CHECK_FALSE(quantile_ranks(7, 0.5, 0.99));
  CHECK(quantile_ranks(8, 0.5, 0.99));
  CHECK_FALSE(quantile_ranks(0, 0.5));
}

TEST_CASE("a percentile is shown from the first number of samples whose interval has both ends",
          "[statistics]") {
  CHECK(samples_needed(LatencyMetric::p90) == 36);
  CHECK(samples_needed(LatencyMetric::p95) == 72);
  CHECK(samples_needed(LatencyMetric::p99) == 368);
  CHECK(samples_needed(LatencyMetric::p99_9) == 3688);
  CHECK(samples_needed(LatencyMetric::p50) == 1);
  for (const LatencyMetric metric :
       {LatencyMetric::p90, LatencyMetric::p95, LatencyMetric::p99, LatencyMetric::p99_9}) {
    const int n = samples_needed(metric);
    CHECK(quantile_ranks(n, quantile_of(metric)));
    CHECK_FALSE(quantile_ranks(n - 1, quantile_of(metric)));
  }
}

TEST_CASE("ranks are the tightest that keep both tails", "[statistics]") {
  for (int n = 6; n < 300; n += 7)
    for (const double q : {0.1, 0.5, 0.8}) {
      const auto ranks = quantile_ranks(n, q);
      if (!ranks) continue;
      CHECK(binomial_cdf(n, q, ranks->low - 1) <= 0.025);
      CHECK(binomial_cdf(n, q, ranks->low) > 0.025);
      CHECK(1 - binomial_cdf(n, q, ranks->high - 1) <= 0.025 + 1e-12);
      CHECK(1 - binomial_cdf(n, q, ranks->high - 2) > 0.025);
    }
}

TEST_CASE("the interval of the median covers the truth as often as it says", "[statistics]") {
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> skewed(0, 0.8);  // true median 1
  const int trials = 4000;
  int covered = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> values(21);
    for (double& value : values) value = skewed(random);
    const auto interval = quantile_interval(values, 0.5);
    REQUIRE(interval);
    covered += interval->low <= 1 && 1 <= interval->high;
  }
  CHECK(covered > 0.945 * trials);
  CHECK(covered < 0.985 * trials);  // exact coverage with n = 21 is 97.3 %
}

TEST_CASE("correlated samples count as fewer and widen the interval", "[statistics]") {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> alone(400), together(400);
  double level = 0;
  for (std::size_t i = 0; i < alone.size(); ++i) {
    alone[i] = normal(random);
    level = 0.9 * level + std::sqrt(1 - 0.81) * normal(random);
    together[i] = level;
  }
  CHECK(effective_samples(alone) > 300);
  CHECK(effective_samples(together) < 60);
  CHECK(effective_samples(std::vector<double>(50, 2.0)) == 50);
  CHECK(effective_samples({}) == 0);
  const auto narrow = quantile_interval(together, 0.5);
  const auto wide = quantile_interval(together, 0.5, kConfidence, effective_samples(together));
  REQUIRE(wide);
  CHECK(wide->low < narrow->low);
  CHECK(wide->high > narrow->high);
}

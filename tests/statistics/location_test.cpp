// Medians, quantiles, straight lines and resamplings.
#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/statistics/fit.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"

using namespace batchtune;

TEST_CASE("quantiles of unsorted values interpolate between order statistics", "[statistics]") {
  const std::vector<double> values{5, 1, 4, 2, 3};
  CHECK(median(values) == 3);
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 1) == 5);
  CHECK(quantile(values, 0.1) == Approx(1.4));
  CHECK(values.front() == 5);
  CHECK(median(std::vector<double>{1, 2, 3, 10}) == 2.5);
  CHECK(median(std::vector<double>{7}) == 7);
}

TEST_CASE("the midmean forgets a quarter at each end", "[statistics]") {
  CHECK(midmean(std::vector<double>{7}) == 7);
  CHECK(midmean(std::vector<double>{1, 100, 2}) == 2);
  CHECK(midmean(std::vector<double>{1, 3, 2, 100}) == 2.5);
  CHECK(midmean(std::vector<double>{-100, 1, 2, 3, 4, 100}) == 2.5);
  CHECK(midmean(std::vector<double>{9, 1, -100, 2, 3, 4, 100, -7}) == 2.5);
}

TEST_CASE("a quantile by selection equals the one by sorting", "[statistics]") {
  std::mt19937_64 random(3);
  for (int n = 1; n < 60; ++n) {
    std::vector<double> values(static_cast<std::size_t>(n));
    for (double& value : values) value = static_cast<double>(random() % 20);  // with ties
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    for (const double q : {0.0, 0.1, 0.37, 0.5, 0.9, 1.0}) {
      const double at = q * (n - 1);
      const auto low = static_cast<std::size_t>(at);
      const auto high = std::min(low + 1, sorted.size() - 1);
      const double share = at - static_cast<double>(low);
      CHECK(quantile(values, q) == Approx(sorted[low] + share * (sorted[high] - sorted[low])));
    }
  }
}

TEST_CASE("a line through bytes over batches is found exactly", "[statistics]") {
  const std::vector<double> batch{1, 8, 32};
  const double weights = 1.3e10, per_sample = 4096;
  std::vector<double> bytes;
  for (const double b : batch) bytes.push_back(weights + per_sample * b);
  const auto line = fit_line(batch, bytes);
  REQUIRE(line);
  CHECK(line->slope == Approx(per_sample).epsilon(1e-9));
  CHECK(line->intercept == Approx(weights));
  CHECK(line->worst_error < 1e-12);
}

TEST_CASE("one batch gives no line, a bent curve a large error", "[statistics]") {
  CHECK_FALSE(fit_line(std::vector<double>{4}, std::vector<double>{9}));
  CHECK_FALSE(fit_line(std::vector<double>{4, 4}, std::vector<double>{9, 10}));
  const auto bent = fit_line(std::vector<double>{1, 2, 4}, std::vector<double>{1, 1, 4});
  REQUIRE(bent);
  CHECK(bent->worst_error > 0.2);
}

TEST_CASE("resamplings are the same for the same seed and stay in range", "[statistics]") {
  const auto lists = resamplings(7);
  CHECK(lists == resamplings(7));
  CHECK(lists != resamplings(7, 99));
  for (const auto& list : lists)
    for (const int index : list) CHECK((index >= 0 && index < 7));
  CHECK(all_indices(3) == std::vector<int>{0, 1, 2});
  CHECK_FALSE(percentile_interval({}));
}

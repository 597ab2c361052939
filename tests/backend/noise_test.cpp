// Noise against what its parameters promise: means, shares of time, correlations. Seeds are fixed,
// and each margin is four standard errors or more.
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/backend/simulated/noise.h"

using namespace batchtune;
using simulated::Noise;
using simulated::NoiseParameters;

namespace {

constexpr std::uint64_t kSeed = 7;

// Natural logarithms of the factors at multiples of `step`.
std::vector<double> logs(const NoiseParameters& parameters, Seconds step, int count,
                         std::uint64_t seed = kSeed) {
  Noise noise(parameters, seed);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(std::log(noise.factor(step * i)));
  return values;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Covariance of values that lie `lag` apart; the variance at lag 0.
double covariance(const std::vector<double>& values, std::size_t lag) {
  const double centre = mean(values);
  double sum = 0;
  for (std::size_t i = lag; i < values.size(); ++i)
    sum += (values[i] - centre) * (values[i - lag] - centre);
  return sum / static_cast<double>(values.size() - lag);
}

double correlation(const std::vector<double>& values, std::size_t lag) {
  return covariance(values, lag) / covariance(values, 0);
}

double share_of(const std::vector<double>& values, double log_factor) {
  double count = 0;
  for (const double value : values)
    if (std::abs(value - log_factor) < 1e-9) ++count;
  return count / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("without parameters there is no noise", "[simulated][noise]") {
  Noise noise({}, kSeed);
  for (int i = 0; i < 100; ++i) CHECK(noise.factor(i) == 1.0);
  CHECK_FALSE(noise.disturbed());
}

TEST_CASE("jitter is independent from run to run and as wide as told", "[simulated][noise]") {
  const auto values = logs({.jitter = 0.05}, 0.01, 40000);
  CHECK(std::abs(mean(values)) < 0.001);
  CHECK(std::sqrt(covariance(values, 0)) == Approx(0.05).epsilon(0.02));
  CHECK(std::abs(correlation(values, 1)) < 0.02);
}

TEST_CASE("wander keeps its width and forgets itself over its seconds, however often it is asked",
          "[simulated][noise]") {
  for (const Seconds step : {1.0, 0.25}) {
    CAPTURE(step);
    const int count = static_cast<int>(40000 / step);  // 8000 times its memory
    const auto values = logs({.wander = 0.1, .wander_seconds = 5}, step, count);
    CHECK(std::abs(mean(values)) < 0.007);
    CHECK(std::sqrt(covariance(values, 0)) == Approx(0.1).epsilon(0.05));
    CHECK(correlation(values, static_cast<std::size_t>(5 / step)) ==
          Approx(std::exp(-1.0)).margin(0.06));
    CHECK(std::abs(correlation(values, static_cast<std::size_t>(50 / step))) < 0.06);
  }
}

TEST_CASE("a neighbour is there for its share of the time, for its seconds at a time",
          "[simulated][noise]") {
  const NoiseParameters parameters{
      .neighbour = 0.3, .neighbour_seconds = 3, .neighbour_factor = 1.6};
  Noise noise(parameters, kSeed);
  const Seconds step = 0.05, length = 60000;  // 6000 comings
  double there = 0, comings = 0;
  bool before = false;
  for (int i = 0; i < static_cast<int>(length / step); ++i) {
    const double factor = noise.factor(step * i);
    const bool now = noise.disturbed();
    REQUIRE(factor == (now ? 1.6 : 1.0));
    there += now ? step : 0;
    if (now && !before) ++comings;
    before = now;
  }
  CHECK(there / length == Approx(0.3).margin(0.02));
  CHECK(there / comings == Approx(3).epsilon(0.06));
}

TEST_CASE("drift slows by its share a minute", "[simulated][noise]") {
  Noise noise({.drift = 0.02}, kSeed);
  CHECK(noise.factor(0) == 1.0);
  CHECK(noise.factor(60) == Approx(1.02));
  CHECK(noise.factor(180) == Approx(1.06));
  CHECK_FALSE(noise.disturbed());
}

TEST_CASE("spikes hit their share of the runs, one by one", "[simulated][noise]") {
  const auto values = logs({.spikes = 0.02, .spike_factor = 4}, 0.01, 50000);
  CHECK(share_of(values, std::log(4.0)) == Approx(0.02).margin(0.0026));
  CHECK(share_of(values, 0) == Approx(0.98).margin(0.0026));
  CHECK(std::abs(correlation(values, 1)) < 0.02);
}

TEST_CASE("speed levels are 8 % apart, equally frequent, and change about as often as told",
          "[simulated][noise]") {
  const auto values = logs({.speed_levels = 3, .speed_seconds = 20}, 0.1, 2000000);
  double changes = 0;
  for (std::size_t i = 1; i < values.size(); ++i) changes += values[i] != values[i - 1] ? 1 : 0;
  for (const int level : {0, 1, 2})
    CHECK(share_of(values, level * std::log(1.08)) == Approx(1.0 / 3).margin(0.025));
  CHECK(changes / 200000 == Approx(1.0 / 20).epsilon(0.05));  // a second
}

TEST_CASE("a long time without runs is skipped and leaves the shares as they are",
          "[simulated][noise]") {
  const NoiseParameters parameters{
      .neighbour = 0.3, .neighbour_seconds = 1e-3, .speed_levels = 4, .speed_seconds = 1e-3};
  const auto values = logs(parameters, 1e6, 10000);
  CHECK(share_of(values, 0) == Approx(0.7 / 4).margin(0.016));
  CHECK(share_of(values, std::log(1.5) + 2 * std::log(1.08)) == Approx(0.3 / 4).margin(0.011));
}

TEST_CASE("a seed decides everything, and another one changes it", "[simulated][noise]") {
  const NoiseParameters parameters{
      .jitter = 0.1, .wander = 0.1, .neighbour = 0.5, .spikes = 0.1, .speed_levels = 3};
  CHECK(logs(parameters, 0.1, 1000) == logs(parameters, 0.1, 1000));
  CHECK(logs(parameters, 0.1, 1000) != logs(parameters, 0.1, 1000, kSeed + 1));
}

TEST_CASE("neighbouring seeds and different disturbances have nothing to do with each other",
          "[simulated][noise]") {
  const auto one = logs({.jitter = 1}, 1, 20000, 0), next = logs({.jitter = 1}, 1, 20000, 1);
  const auto wander = logs({.wander = 1, .wander_seconds = 1e-3}, 1, 20000, 0);
  for (const auto& other : {next, wander}) {
    for (const std::size_t lag : {0, 1, 2}) {
      double sum = 0;
      for (std::size_t i = lag; i < one.size(); ++i) sum += one[i] * other[i - lag];
      CHECK(std::abs(sum / static_cast<double>(one.size())) < 0.03);
    }
  }
}

TEST_CASE("switching one disturbance on leaves the others as they were", "[simulated][noise]") {
  const NoiseParameters alone{.neighbour = 0.4};
  NoiseParameters together = alone;
  together.jitter = 0.1;
  together.wander = 0.1;
  together.spikes = 0.5;
  Noise one(alone, kSeed), other(together, kSeed);
  for (int i = 0; i < 2000; ++i) {
    one.factor(0.1 * i);
    other.factor(0.1 * i);
    REQUIRE(one.disturbed() == other.disturbed());
  }
}

TEST_CASE("the first values of a seed are the same on every platform", "[simulated][noise]") {
  const auto jitter = logs({.jitter = 1}, 0, 2, 1);
  CHECK(jitter[0] == Approx(-0.213290675745263).epsilon(1e-12));
  CHECK(jitter[1] == Approx(-1.72899466978297).epsilon(1e-12));
  const auto wander = logs({.wander = 1}, 5, 2, 1);
  CHECK(wander[0] == Approx(-0.900515449794403).epsilon(1e-12));
  CHECK(wander[1] == Approx(0.109565940705934).epsilon(1e-12));
}

// Level detection on synthetic curves whose truth is known.
#include <cmath>
#include <random>

#include "kernels/probe/plateaus.h"
#include "tests/support/catch.h"

namespace batchtune::probe {
namespace {

struct Level {
  double capacity;  // bytes; the last one's is infinite
  double rate;
};

// Sizes from 16 KiB to 512 MiB; each edge is a slope over a factor `blur` in size. Noise only
// lowers, as disturbance does, and has a small symmetric part.
std::vector<BandwidthPoint> curve_of(const std::vector<Level>& levels, double blur, double noise,
                                     unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, noise);
  std::vector<BandwidthPoint> points;
  for (double size = 16 * 1024; size <= 512.0 * 1024 * 1024; size *= 1.25) {
    double log_rate = std::log(levels.front().rate);
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
      const double along = blur > 1 ? std::log(size / levels[i].capacity) / std::log(blur)
                                    : (size > levels[i].capacity ? 1 : 0);
      log_rate += std::clamp(along, 0.0, 1.0) * std::log(levels[i + 1].rate / levels[i].rate);
    }
    const double dip = random() % 8 == 0 ? -std::abs(normal(random)) * 4 : 0;
    points.push_back({size, std::exp(log_rate + normal(random) / 2 + dip)});
  }
  return points;
}

constexpr double kKiB = 1024, kMiB = 1024 * 1024;

void check(const std::vector<Level>& levels, double blur, double noise) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    CAPTURE(levels.size(), blur, noise, seed);
    const auto points = curve_of(levels, blur, noise, seed);
    const auto plateaus = find_plateaus(points);
    REQUIRE(plateaus.size() == levels.size());
    for (std::size_t i = 0; i < levels.size(); ++i) {
      CHECK(plateaus[i].bytes_per_second == Approx(levels[i].rate).epsilon(0.03 + 3 * noise));
      if (i + 1 == levels.size()) continue;
      const double capacity = points[plateaus[i].last].bytes;
      CHECK(capacity > levels[i].capacity / 2);
      CHECK(capacity < levels[i].capacity * std::max(blur, 1.6));
    }
    CHECK(plateaus.back().last == points.size() - 1);
  }
}

}  // namespace

TEST_CASE("two, three and four levels with sharp edges are found", "[kernels][probe]") {
  check({{48 * kKiB, 200e9}, {0, 20e9}}, 1, 0.01);
  check({{48 * kKiB, 200e9}, {1 * kMiB, 90e9}, {0, 12e9}}, 1, 0.01);
  check({{96 * kKiB, 1e12}, {2 * kMiB, 400e9}, {32 * kMiB, 240e9}, {0, 85e9}}, 1, 0.01);
}

TEST_CASE("levels are found between slopes as hardware has them", "[kernels][probe]") {
  check({{96 * kKiB, 1e12}, {1 * kMiB, 400e9}, {0, 85e9}}, 4, 0.01);
  check({{96 * kKiB, 1e12}, {1 * kMiB, 400e9}, {20 * kMiB, 200e9}, {0, 60e9}}, 2.5, 0.01);
}

TEST_CASE("noise of three percent with deep dips leaves the levels standing", "[kernels][probe]") {
  check({{64 * kKiB, 200e9}, {1 * kMiB, 90e9}, {0, 12e9}}, 1.5, 0.03);
  check({{96 * kKiB, 1e12}, {1 * kMiB, 400e9}, {24 * kMiB, 200e9}, {0, 60e9}}, 1.5, 0.03);
}

TEST_CASE("a level curve is one level and a step below a quarter is none", "[kernels][probe]") {
  check({{0, 10e9}}, 1, 0.02);
  const auto points = curve_of({{1 * kMiB, 100e9}, {0, 88e9}}, 1, 0.005, 1);
  CHECK(find_plateaus(points).size() == 1);
}

TEST_CASE("a curve that still falls at its end has its last point as slowest memory",
          "[kernels][probe]") {
  std::vector<BandwidthPoint> points;
  for (int i = 0; i < 10; ++i) points.push_back({16384 * std::pow(1.25, i), 100e9});
  for (int i = 1; i <= 6; ++i) {
    points.push_back({16384 * std::pow(1.25, 9 + i), 100e9 * std::pow(0.7, i)});
  }
  const auto plateaus = find_plateaus(points);
  REQUIRE(plateaus.size() == 2);
  CHECK(plateaus[0].last >= 8);
  CHECK(plateaus[0].last <= 10);
  CHECK(plateaus[1].bytes_per_second == Approx(points.back().bytes_per_second));
}

TEST_CASE("fewer than three points are no levels", "[kernels][probe]") {
  CHECK(find_plateaus({}).empty());
  const std::vector<BandwidthPoint> two = {{1, 1}, {2, 1}};
  CHECK(find_plateaus(two).empty());
}

}  // namespace batchtune::probe

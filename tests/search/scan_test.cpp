// next_batch on curves that are known exactly.
#include "tuner/search/scan.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "tests/search/walk.h"
#include "tests/support/catch.h"

using namespace batchtune;

namespace {

ScanRange range_from(std::int64_t seed) {
  ScanRange range;
  range.seed = seed;
  range.largest = 1 << 20;
  return range;
}

// All batches that the scan looks at, in order.
std::vector<std::int64_t> walk(const ScanRange& range,
                               const std::function<double(std::int64_t)>& rate) {
  const auto next = [&](const std::vector<ScanPoint>& points) {
    REQUIRE(points.size() < 60);
    return next_batch(range, points);
  };
  return batchtune::walk(next, rate);
}

}  // namespace

TEST_CASE("the scan halves from the seed, which is cheap, then doubles while throughput grows",
          "[search][scan]") {
  const auto order = walk(range_from(8), [](std::int64_t b) {
    const auto batch = static_cast<double>(b);
    return batch / (1 + batch / 20);
  });
  REQUIRE(order.size() > 3);
  CHECK(std::vector<std::int64_t>(order.begin(), order.begin() + 6) ==
        std::vector<std::int64_t>{8, 4, 2, 1, 16, 32});
  CHECK(order.size() <= 20);
}

TEST_CASE("an estimate is rounded down to a batch of few factors", "[search][scan]") {
  const std::vector<std::int64_t> rounded{1, 2, 3, 4, 4, 6, 6, 8, 8, 8, 8, 12, 12, 12, 12, 16};
  for (std::size_t i = 0; i < rounded.size(); ++i)
    CHECK(round_batch(static_cast<std::int64_t>(i) + 1) == rounded[i]);
  CHECK(round_batch(142) == 128);
  CHECK(round_batch(std::int64_t{1} << 62) == std::int64_t{1} << 62);
  CHECK(round_batch(std::numeric_limits<std::int64_t>::max()) == std::int64_t{3} << 61);
}

TEST_CASE("where few batches are allowed, those below one that is far behind are left out",
          "[search][scan]") {
  ScanRange range = range_from(64);
  range.objective = Objective::throughput;
  range.sparing = true;
  const auto saturates = [](std::int64_t b) {
    const auto batch = static_cast<double>(b);
    return batch / (1 + batch / 200);
  };
  const auto order = walk(range, saturates);
  CHECK(std::vector<std::int64_t>(order.begin(), order.begin() + 5) ==
        std::vector<std::int64_t>{64, 32, 1, 128, 256});
  // One that is not is followed down to its peak.
  const auto falls = [](std::int64_t b) { return b == 4 ? 1.1 : 1.0; };
  CHECK(walk(range, falls)[4] == 4);
}

TEST_CASE("a second octave without a gain is looked at where it is cheap", "[search][scan]") {
  ScanRange range = range_from(8);
  range.objective = Objective::throughput;
  const auto dips = [](std::int64_t b) {
    return b >= 32 ? 12.0 : b > 8 ? 7.5 : static_cast<double>(b);
  };
  const auto looks_at_32 = [&] {
    const auto order = walk(range, dips);
    return std::find(order.begin(), order.end(), 32) != order.end();
  };
  CHECK_FALSE(looks_at_32());
  range.cheap = 32;
  CHECK(looks_at_32());
}

TEST_CASE("a flat curve leads down to batch 1 and stops", "[search][scan]") {
  const auto order = walk(range_from(8), [](std::int64_t) { return 100.0; });
  CHECK(*std::min_element(order.begin(), order.end()) == 1);
  CHECK(*std::max_element(order.begin(), order.end()) <= 32);
}

TEST_CASE("when everything breaks a limit the scan halves down to the smallest and ends",
          "[search][scan]") {
  const auto order = walk(range_from(20), [](std::int64_t) { return 0.0; });
  CHECK(order == std::vector<std::int64_t>{20, 10, 5, 2, 1});
}

TEST_CASE("nothing is asked above the largest batch but the smallest one", "[search][scan]") {
  ScanRange range = range_from(64);
  range.largest = 10;
  const auto order = walk(range, [](std::int64_t b) { return static_cast<double>(b); });
  CHECK(order[0] == 10);
  CHECK(*std::max_element(order.begin(), order.end()) == 10);
  range.largest = 0;
  CHECK(walk(range, [](std::int64_t) { return 1.0; }) == std::vector<std::int64_t>{1});
}

TEST_CASE("a wall between doublings is approached by bisection", "[search][scan]") {
  ScanRange range = range_from(16);
  range.objective = Objective::throughput;
  const auto order =
      walk(range, [](std::int64_t b) { return b > 53 ? 0.0 : static_cast<double>(b); });
  std::int64_t best = 0;
  for (const std::int64_t batch : order)
    if (batch <= 53) best = std::max(best, batch);
  CHECK(best >= 50);
}

TEST_CASE("the scan ends on random curves, with or without a list", "[search][scan]") {
  const std::vector<std::int64_t> list{2, 3, 5, 9, 17, 40, 41, 100};
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    const auto noise = [seed](std::int64_t b) {
      const auto mixed =
          (static_cast<std::uint64_t>(b) * 0x9e3779b97f4a7c15ULL) ^ (seed * 0xff51afd7ed558ccdULL);
      return static_cast<double>((mixed >> 20) % 1000);
    };
    ScanRange range = range_from(static_cast<std::int64_t>(seed % 50 + 1));
    range.objective = seed % 2 == 0 ? Objective::knee : Objective::throughput;
    walk(range, noise);
    range.allowed = list;
    range.smallest = 2;
    for (const std::int64_t batch : walk(range, noise))
      CHECK(std::find(list.begin(), list.end(), batch) != list.end());
  }
}

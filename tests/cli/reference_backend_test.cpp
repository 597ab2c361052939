// What workers get besides backends: the reference programs, the program that does nothing, the
// canaries.
#include <algorithm>
#include <string>

#include "tests/support/catch.h"
#include "tuner/cli/reference_backend.h"
#include "tuner/measure/worker.h"

using namespace batchtune;

namespace {

// One run of the program of that name.
Outcome<RunTimes> run(const std::string& name, int n) {
  auto backend = open_worker_backend(kReferenceBackend);
  REQUIRE(backend);
  LoadOptions options;
  options.parameters = name;
  LoadReport report;
  auto loaded = (*backend)->load(Model{}, options, report);
  if (!loaded) return tl::unexpected(loaded.error());
  auto program = (*loaded)->prepare({options.group, 1});
  REQUIRE(program);
  (*program)->set_input(1);
  return (*program)->run(n);
}

}  // namespace

TEST_CASE("the null program reports as many runs as were asked for, each of next to no time",
          "[cli]") {
  constexpr Seconds kFarTooLong = 1e-3;  // the least of many: nothing but two readings of the clock
  const auto times = run(kNullProgram, 1000);
  REQUIRE(times);
  CHECK(times->seconds.size() == 1000);
  CHECK(times->instance.size() == 1000);
  CHECK(times->clock == ClockKind::host);
  const Seconds least = *std::min_element(times->seconds.begin(), times->seconds.end());
  CHECK(least >= 0);
  CHECK(least < kFarTooLong);
}

TEST_CASE("the null program needs no AVX2, the reference programs do and say so", "[cli]") {
  for (const char* name : kReferencePrograms) {
    const auto times = run(name, 1);
    CHECK(times.has_value() == !reference_hash().empty());
    if (!times) CHECK(times.error().reason.find("AVX2") != std::string::npos);
  }
}

TEST_CASE("a reference program that does not exist is a failed load", "[cli]") {
  const auto times = run("dram", 1);
  REQUIRE_FALSE(times);
  CHECK(times.error().status == TrialStatus::failed);
}

TEST_CASE("canaries judge as many CPUs as they are given, at most all", "[cli]") {
  const auto one = make_canaries(1);
  if (one == nullptr) BT_SKIP("this system pins no threads");
  const CanaryReading reading = one->burst();
  CHECK(reading.compute.size() == 1);
  CHECK(reading.cache.size() == 1);
  CHECK(reading.clock_hz.value_or(0) > 0);
  const auto all = make_canaries(1 << 20);
  REQUIRE(all != nullptr);
  CHECK(all->burst().compute.size() >= 1);
}

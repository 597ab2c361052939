// What is concluded from a look: quiet share, speeds, cores; from made-up readings.
#include "tuner/cli/machine_look.h"

#include <algorithm>
#include <string>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

constexpr Seconds kCompute = 30e-6, kCache = 100e-6;

// `count` bursts, of which every `nth` is `factor` times slower (0: none).
LookReadings look_of(int count, int nth, double factor) {
  LookReadings readings;
  readings.cpus = 2;
  readings.seconds = 10;
  for (int i = 0; i < count; ++i) {
    const double slow = nth > 0 && i % nth == nth - 1 ? factor : 1;
    readings.bursts.push_back({{kCompute * slow, kCompute}, {kCache, kCache}, 3e9});
  }
  return readings;
}

bool has(const std::vector<Finding>& findings, const std::string& key) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const Finding& finding) { return finding.key == key; });
}

}  // namespace

TEST_CASE("a machine that never slows down is quiet and has one speed", "[cli][doctor]") {
  const MachineLook look = judge_look(look_of(400, 0, 1), {});
  CHECK(look.bursts == 400);
  CHECK(look.quiet_share == 1.0);
  REQUIRE(look.compute_levels.size() == 1);
  CHECK(look.compute_levels[0].share == Approx(1));
  CHECK(look_findings(look, 2).empty());
}

TEST_CASE("a neighbour in a quarter of the bursts is seen, and slows one CPU", "[cli][doctor]") {
  const MachineLook look = judge_look(look_of(400, 4, 1.6), {});
  CHECK(*look.quiet_share == Approx(0.75));
  REQUIRE(look.compute_levels.size() == 2);
  CHECK(look.compute_levels[0].share == Approx(0.875));  // of both CPUs' bursts
  CHECK(look.compute_levels[1].speed == Approx(1 / 1.6));
  CHECK(look.compute_levels[1].share == Approx(0.125));
  CHECK(look.cache_levels.size() == 1);
  CHECK(has(look_findings(look, 2), "noise.quiet_share"));
}

TEST_CASE("a machine with every speed between two is told in a few", "[cli][doctor]") {
  LookReadings readings = look_of(400, 0, 1);
  for (std::size_t i = 0; i < readings.bursts.size(); ++i)
    for (Seconds& seconds : readings.bursts[i].compute)
      seconds *= 1 + 0.4 * static_cast<double>(i) / 400;
  const MachineLook look = judge_look(readings, {});
  CHECK(look.compute_levels.size() > 1);
  CHECK(look.compute_levels.size() <= 4);
  double share = 0;
  for (const SpeedLevel& level : look.compute_levels) share += level.share;
  CHECK(share == Approx(1));
}

TEST_CASE("CPUs that a hypervisor moves apart are told of, though each is as fast as ever",
          "[cli][doctor]") {
  LookReadings readings = look_of(400, 0, 1);
  for (std::size_t i = 0; i < readings.bursts.size(); ++i)
    readings.bursts[i].exchange = {i < 300 ? 78e-9 : 334e-9};
  const MachineLook look = judge_look(readings, {});
  CHECK(*look.quiet_share == Approx(0.75));
  REQUIRE(look.exchange_levels.size() == 2);
  CHECK(look.exchange_levels[1].share == Approx(0.25));
  CHECK(has(look_findings(look, 2), "cpu.apart"));
  // Apart for the whole look: only an earlier level tells.
  for (CanaryReading& burst : readings.bursts) burst.exchange = {334e-9};
  QuietLevels known;
  known.exchange = {78e-9};
  CHECK_FALSE(has(look_findings(judge_look(readings, {}), 2), "cpu.apart"));
  CHECK(has(look_findings(judge_look(readings, known), 2), "cpu.apart"));
}

TEST_CASE("a machine that is disturbed all the time is known by earlier quiet levels",
          "[cli][doctor]") {
  const QuietLevels known{{kCompute / 2, kCompute / 2}, {kCache, kCache}};
  CHECK(judge_look(look_of(400, 0, 1), {}).quiet_share == 1.0);
  CHECK(judge_look(look_of(400, 0, 1), known).quiet_share == 0.0);
}

TEST_CASE("CPUs share a core when together they do no more than one", "[cli][doctor]") {
  LookReadings readings = look_of(10, 0, 1);
  CHECK_FALSE(judge_look(readings, {}).cores_shared.has_value());  // no reference program
  readings.on_one = {0.003, 0.003, 0.003};
  readings.on_all = {0.0031, 0.003, 0.003};
  CHECK(judge_look(readings, {}).cores_shared == false);
  readings.on_all = {0.006, 0.006, 0.0061};
  const MachineLook look = judge_look(readings, {});
  CHECK(look.cores_shared == true);
  CHECK(look.cores_evidence == "2 CPUs together do 1.00 x the arithmetic of one");
  CHECK(has(look_findings(look, 2), "cpu.cores_shared"));
}

TEST_CASE("steal, load and pressure are findings only when there is some", "[cli][doctor]") {
  LookReadings readings = look_of(50, 0, 1);
  readings.before = {0.0, 0.0, 0.1};
  readings.after = {0.1, 0.05, 0.1};
  CHECK(look_findings(judge_look(readings, {}), 2).empty());
  readings.after = {9.0, 2.0, 3.0};
  const auto findings = look_findings(judge_look(readings, {}), 2);
  for (const char* key : {"noise.cpu_pressure", "noise.steal"}) {
    INFO(key);
    CHECK(has(findings, key));
  }
  CHECK_FALSE(has(findings, "noise.load"));  // pressure says it better
  readings.before.cpu_waiting.reset();
  CHECK(has(look_findings(judge_look(readings, {}), 2), "noise.load"));
}

TEST_CASE("no burst at all says nothing", "[cli][doctor]") {
  LookReadings readings;
  readings.cpus = 2;
  const MachineLook look = judge_look(readings, {});
  CHECK_FALSE(look.quiet_share.has_value());
  CHECK(look.compute_levels.empty());
  CHECK_FALSE(look.clock_hz.has_value());
}

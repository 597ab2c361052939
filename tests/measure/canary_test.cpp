// The quiet level of canaries, and what a turn and its bursts say of each visit.
#include "tuner/measure/canary.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/catch.h"
#include "tuner/measure/host_state.h"

using namespace batchtune;

namespace {

CanaryReading reading(Seconds compute, Seconds cache) {
  return {{compute, compute * 2}, {cache, cache}, std::nullopt};
}

HostState host_of(const CanaryReading& reading) {
  HostState host;
  host.compute_canary = reading.compute;
  host.cache_canary = reading.cache;
  host.compute_cycles = reading.compute_cycles;
  return host;
}

}  // namespace

TEST_CASE("quiet levels are found although most bursts are disturbed", "[canary]") {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  QuietLearner learner;
  for (int i = 0; i < 1000; ++i) {
    const double neighbour = uniform(random) < 0.7 ? 1.1 + 0.6 * uniform(random) : 1;
    learner.add(reading(32.5e-6 * neighbour * (1 + 0.001 * uniform(random)),
                        105e-6 * neighbour * (1 + 0.1 * uniform(random))));
  }
  REQUIRE(learner.levels().compute.size() == 2);
  CHECK(learner.levels().compute[0] == Approx(32.5e-6).epsilon(0.002));
  CHECK(learner.levels().compute[1] == Approx(65e-6).epsilon(0.002));
  CHECK(learner.levels().cache[0] == Approx(105e-6).epsilon(0.05));
  CHECK_FALSE(learner.disturbed(host_of(reading(32.55e-6, 112e-6))));
  CHECK(learner.disturbed(host_of(reading(36e-6, 112e-6))));
  CHECK(learner.disturbed(host_of(reading(32.5e-6, 220e-6))));
  HostState one_cpu = host_of(reading(32.5e-6, 105e-6));
  one_cpu.compute_canary[1] *= 1.7;
  CHECK(learner.disturbed(one_cpu));
}

TEST_CASE("a visit in whose turn another process wanted a CPU is disturbed", "[canary]") {
  QuietLearner learner({{30e-6, 60e-6}, {100e-6, 100e-6}});
  HostState host = host_of(reading(30e-6, 100e-6));
  host.cpu_pressure = 0.1;
  CHECK_FALSE(learner.disturbed(host));
  host.cpu_pressure = 0.5;
  CHECK(learner.disturbed(host));
}

TEST_CASE("one lucky burst does not lower a quiet level, whenever it comes", "[canary]") {
  for (int lucky = 0; lucky < 600; lucky += 7) {
    QuietLearner learner({{30e-6, 60e-6}, {100e-6, 100e-6}});
    for (int i = 0; i < 600; ++i) {
      learner.add(i == lucky ? reading(10e-6, 30e-6) : reading(30e-6, 100e-6));
      REQUIRE(learner.levels().compute[0] == 30e-6);
      REQUIRE(learner.levels().cache[0] == 100e-6);
    }
  }
}

TEST_CASE("levels that are known go on, fall at once, and rise by little", "[canary]") {
  QuietLearner learner({{30e-6, 60e-6}, {100e-6, 100e-6}});
  CHECK(learner.disturbed(host_of(reading(40e-6, 100e-6))));
  for (int i = 0; i < 255; ++i) learner.add(reading(45e-6, 150e-6));
  CHECK(learner.levels().compute[0] == 30e-6);
  for (int i = 255; i < 1000; ++i) learner.add(reading(45e-6, 150e-6));  // three windows
  CHECK(learner.levels().compute[0] == Approx(30e-6 * 1.01 * 1.01 * 1.01));
  CHECK(learner.disturbed(host_of(reading(45e-6, 150e-6))));
  for (int i = 0; i < 100; ++i) learner.add(reading(25e-6, 90e-6));
  CHECK(learner.levels().compute[0] == 25e-6);
  CHECK(learner.levels().cache[1] == 90e-6);
}

TEST_CASE("a level that was too low is left behind in time", "[canary]") {
  QuietLearner learner({{30e-6, 60e-6}, {100e-6, 100e-6}});
  for (int i = 0; i < 256 * 10; ++i) learner.add(reading(32e-6, 100e-6));
  CHECK(learner.levels().compute[0] == 32e-6);
  CHECK_FALSE(learner.disturbed(host_of(reading(32e-6, 100e-6))));
}

TEST_CASE("the register burst counts in cycles, so that the clock disturbs nothing", "[canary]") {
  const auto at = [](double clock_hz, double cycles) {
    CanaryReading found = reading(cycles / clock_hz, 100e-6);
    found.clock_hz = 0.86 * clock_hz;  // of the slowest CPU, or of another moment: of no account
    found.compute_cycles = {cycles, 2 * cycles};
    return found;
  };
  QuietLearner learner;
  for (int i = 0; i < 50; ++i) learner.add(at(3.9e9 + 8e6 * i, 120000));
  CHECK(learner.levels().compute[0] == Approx(120000));
  const auto disturbed = [&](double clock_hz, double cycles) {
    return learner.disturbed(host_of(at(clock_hz, cycles)));
  };
  CHECK_FALSE(disturbed(3.0e9, 120000));
  CHECK_FALSE(disturbed(4.3e9, 124000));
  CHECK(disturbed(4.3e9, 128000));
}

TEST_CASE("parked workers that ran disturb", "[canary]") {
  HostState host;
  host.parked_cpu = 0.04;
  CHECK_FALSE(QuietLearner().disturbed(host));
  host.parked_cpu = 0.06;
  CHECK(QuietLearner().disturbed(host));
}

TEST_CASE("CPUs that were moved apart disturb, though each of them is as fast as ever",
          "[canary]") {
  QuietLearner learner({{30e-6, 60e-6}, {100e-6, 100e-6}, {80e-9}});
  HostState host = host_of(reading(30e-6, 100e-6));
  host.exchange_canary = {85e-9};
  CHECK_FALSE(learner.disturbed(host));
  host.exchange_canary = {330e-9};
  CHECK(learner.disturbed(host));
}

TEST_CASE("without levels, without canaries and with other CPUs nothing is called disturbed",
          "[canary]") {
  CHECK_FALSE(QuietLearner().disturbed(host_of(reading(1, 1))));
  QuietLearner learner({{30e-6}, {100e-6}});
  CHECK_FALSE(learner.disturbed({}));
  CHECK_FALSE(learner.disturbed(host_of(reading(1, 1))));
  learner.add(reading(50e-6, 100e-6));
  CHECK(learner.levels().compute == std::vector<Seconds>{50e-6, 100e-6});
}

TEST_CASE("a visit has the slower of the bursts around it and what its process counted",
          "[canary]") {
  protocol::ShareDone done;
  done.visits.resize(2);
  done.visits[1].usage = protocol::Usage{4, 5, 6};
  done.bursts = {
      {{1, 2}, {3, 3}, 2e9, {7}, {5, 4}}, {{2, 1}, {4, 2}, 1e9, {8}, {3, 6}}, {{9, 9}, {9, 9}, 3e9, {6}, {9, 9}}};
  HostState turn;
  turn.load = 0.5;
  const HostState first = state_of_visit(turn, done, 0);
  CHECK(first.compute_canary == std::vector<Seconds>{2, 2});
  CHECK(first.cache_canary == std::vector<Seconds>{4, 3});
  CHECK(first.exchange_canary == std::vector<Seconds>{8});
  CHECK(first.clock_hz == 1e9);
  CHECK(first.compute_cycles == std::vector<double>{5, 6});
  CHECK(first.load == 0.5);
  CHECK_FALSE(first.minor_faults);
  const HostState second = state_of_visit(turn, done, 1);
  CHECK(second.compute_canary == std::vector<Seconds>{9, 9});
  CHECK(second.involuntary_switches == 4);
  CHECK(second.minor_faults == 5);
  CHECK(second.major_faults == 6);
  done.bursts.clear();
  CHECK(state_of_visit(turn, done, 0).compute_canary.empty());
}

TEST_CASE("the kernel's counters of a turn are read, and what it lacks is absent", "[canary]") {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("bt_host_" + std::to_string(getpid()));
  fs::create_directories(root / "proc/pressure");
  std::ofstream(root / "proc/pressure/cpu")
      << "some avg10=5.65 avg60=3.12 avg300=12.89 total=4539365047\n"
         "full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n";
  std::ofstream(root / "proc/stat") << "cpu  1 2 3 4 5 6 7 800 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  std::ofstream(root / "proc/loadavg") << "1.25 2.00 3.00 1/100 4711\n";
  const HostCounters found = read_host_counters(root);
  CHECK(found.cpu_waiting == Approx(4539.365047));
  CHECK(found.steal == Approx(800.0 / static_cast<double>(sysconf(_SC_CLK_TCK))));
  CHECK(found.load == 1.25);
  fs::remove_all(root);
  const HostCounters none = read_host_counters(root);
  CHECK_FALSE(none.cpu_waiting);
  CHECK_FALSE(none.steal);
  CHECK_FALSE(none.load);
}

TEST_CASE("pressure and steal of a turn are differences", "[canary]") {
  const HostState state = state_of_turn({10.0, 5.0, 1.0}, {10.5, 5.25, 2.0}, 2);
  CHECK(state.cpu_pressure == 0.25);
  CHECK(state.steal == 0.25);
  CHECK(state.load == 2.0);
  CHECK(state_of_turn({10.0, 5.0, 1.0}, {9.0, 4.0, 2.0}, 2).steal == 0);  // a container that moved
  CHECK_FALSE(state_of_turn({}, {9.0, 4.0, 2.0}, 2).cpu_pressure);
}

#include "tuner/measure/host_state.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "tuner/measure/memory_readings.h"

namespace batchtune {
namespace {

// "cpu  user nice system idle iowait irq softirq steal ...", in ticks
std::optional<Seconds> read_steal(const std::string& path) {
  constexpr int kColumnsBefore = 7;
  std::ifstream file(path);
  std::string word;
  if (!(file >> word) || word != "cpu") return std::nullopt;
  double ticks = 0;
  for (int column = 0; column <= kColumnsBefore; ++column)
    if (!(file >> ticks)) return std::nullopt;
  const long ticks_per_second = sysconf(_SC_CLK_TCK);
  if (ticks_per_second <= 0) return std::nullopt;
  return ticks / static_cast<double>(ticks_per_second);
}

std::optional<double> read_load(const std::string& path) {
  std::ifstream file(path);
  double load = 0;
  if (!(file >> load)) return std::nullopt;
  return load;
}

// Counters may be set back by a container that moves: never below 0.
std::optional<double> increase(std::optional<double> before, std::optional<double> after) {
  if (!before || !after) return std::nullopt;
  return std::max(0.0, *after - *before);
}

std::vector<Seconds> slower_of(std::vector<Seconds> before, const std::vector<Seconds>& after) {
  if (before.size() != after.size()) return after;
  for (std::size_t cpu = 0; cpu < before.size(); ++cpu)
    before[cpu] = std::max(before[cpu], after[cpu]);
  return before;
}

CanaryReading slower_of(const CanaryReading& before, const CanaryReading& after) {
  CanaryReading slower;
  slower.compute = slower_of(before.compute, after.compute);
  slower.cache = slower_of(before.cache, after.cache);
  slower.exchange = slower_of(before.exchange, after.exchange);
  slower.compute_cycles = slower_of(before.compute_cycles, after.compute_cycles);
  slower.clock_hz = after.clock_hz;
  if (before.clock_hz && after.clock_hz)
    slower.clock_hz = std::min(*before.clock_hz, *after.clock_hz);
  return slower;
}

}  // namespace

HostCounters read_host_counters(const std::string& root) {
  return {read_some_stall(root + "/proc/pressure/cpu"), read_steal(root + "/proc/stat"),
          read_load(root + "/proc/loadavg")};
}

HostState state_of_turn(const HostCounters& before, const HostCounters& after, Seconds wall) {
  HostState state;
  if (const auto waited = increase(before.cpu_waiting, after.cpu_waiting); waited && wall > 0)
    state.cpu_pressure = std::min(1.0, *waited / wall);
  state.steal = increase(before.steal, after.steal);
  state.load = after.load;
  return state;
}

void set_canaries(HostState& state, const CanaryReading& burst) {
  state.compute_canary = burst.compute;
  state.cache_canary = burst.cache;
  state.exchange_canary = burst.exchange;
  state.compute_cycles = burst.compute_cycles;
  state.clock_hz = burst.clock_hz;
}

HostState state_of_visit(const HostState& turn, const protocol::ShareDone& done,
                         std::size_t visit) {
  HostState state = turn;
  if (const auto& usage = done.visits[visit].usage) {
    state.involuntary_switches = usage->involuntary_switches;
    state.minor_faults = usage->minor_faults;
    state.major_faults = usage->major_faults;
  }
  if (visit + 1 < done.bursts.size())
    set_canaries(state, slower_of(done.bursts[visit], done.bursts[visit + 1]));
  return state;
}

}  // namespace batchtune

#include "tuner/cli/machine_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>
#include <thread>

#include "kernels/probe/pinned_team.h"
#include "kernels/probe/reference_programs.h"
#include "tuner/cli/reference_backend.h"
#include "tuner/core/clock.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

// Between bursts the CPUs are left alone: a disturbance lasts for seconds, and a machine that is
// kept busy is no quiet one.
constexpr std::chrono::milliseconds kPause{10};
// One run of a reference program takes some milliseconds, on one CPU and on all: a tenth of the
// time.
constexpr int kBurstsPerReference = 16;

// Bursts within so much of a level's fastest belong to it: what quiet bursts vary by themselves.
constexpr double kComputeStep = 0.04, kCacheStep = 0.25, kExchangeStep = 0.75;
// CPUs that exchange a cache line at less than this of their best are on cores without a common
// cache.
constexpr double kApart = 0.5;
constexpr double kOftenApart = 0.05;  // share of the bursts: rarer ones were interrupted
constexpr double kLeastShareOfSpeed = 0.02;  // rarer speeds are interrupts; they join the level before
constexpr std::size_t kMostLevels = 4;  // more are no levels, but every speed between two
constexpr double kFastest = 0.02;     // quantile taken as the fastest: never one lucky burst alone

// Two CPUs of one core do about the arithmetic of one, two cores twice as much; a neighbour that
// comes and goes lies between.
constexpr double kOwnCores = 0.65;
constexpr double kUndisturbed = 0.1;  // quantile of the reference program's times

constexpr double kQuietEnough = 0.8;    // share of bursts
constexpr double kBusyLoad = 0.5;       // tasks that want a CPU, beside this look's own
constexpr double kHighPressure = 0.05;  // share of the time
constexpr double kMuchStolen = 0.01;    // of the CPUs' time
constexpr double kClockWanders = 0.03;  // relative

constexpr std::string_view kArithmetic = probe::kReferenceProgramNames[0];

Seconds quantile(std::vector<Seconds> values, double share) {
  if (values.empty()) return 0;
  const auto index = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<std::size_t>(index)];
}

using BurstTimes = std::vector<Seconds> CanaryReading::*;

// Times of all bursts on all CPUs over the fastest of the same CPU, be it of this look or known
// from earlier; ascending.
std::vector<double> relative_times(const std::vector<CanaryReading>& bursts, BurstTimes kind, int cpus,
                                   const std::vector<Seconds>& known = {}) {
  std::vector<double> times;
  for (std::size_t cpu = 0; cpu < static_cast<std::size_t>(cpus); ++cpu) {
    std::vector<Seconds> own;
    for (const CanaryReading& burst : bursts)
      if (cpu < (burst.*kind).size()) own.push_back((burst.*kind)[cpu]);
    Seconds fastest = quantile(own, kFastest);
    if (cpu < known.size()) fastest = std::min(fastest, known[cpu]);
    for (const Seconds seconds : own)
      if (fastest > 0) times.push_back(std::max(1.0, seconds / fastest));
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<SpeedLevel> levels_apart(const std::vector<double>& times, double step) {
  std::vector<SpeedLevel> levels;
  for (std::size_t begin = 0; begin < times.size();) {
    const auto end = static_cast<std::size_t>(
        std::upper_bound(times.begin(), times.end(), times[begin] * (1 + step)) - times.begin());
    const double share = static_cast<double>(end - begin) / static_cast<double>(times.size());
    if (levels.empty() || share >= kLeastShareOfSpeed)
      levels.push_back({1 / times[begin + (end - begin) / 2], share});
    else
      levels.back().share += share;
    begin = end;
  }
  return levels;
}

// A machine that has no few levels but every speed between two is told in coarser steps.
std::vector<SpeedLevel> speed_levels(const std::vector<double>& times, double step) {
  auto levels = levels_apart(times, step);
  while (levels.size() > kMostLevels) levels = levels_apart(times, step *= 1.5);
  return levels;
}

std::optional<double> quiet_share(const LookReadings& readings, const QuietLevels& known) {
  QuietLearner learner(known);
  for (const CanaryReading& burst : readings.bursts) learner.add(burst);
  int quiet = 0;
  for (const CanaryReading& burst : readings.bursts) {
    HostState host;
    set_canaries(host, burst);
    quiet += !learner.disturbed(host);
  }
  if (readings.bursts.empty()) return std::nullopt;
  return quiet / static_cast<double>(readings.bursts.size());
}

void judge_cores(const LookReadings& readings, MachineLook& look) {
  const Seconds all = quantile(readings.on_all, kUndisturbed);
  if (readings.cpus < 2 || all <= 0) return;
  const double together = readings.cpus * quantile(readings.on_one, kUndisturbed) / all;
  look.cores_shared = together < kOwnCores * readings.cpus;
  look.cores_evidence = fmt::format("{} CPUs together do {} x the arithmetic of one", readings.cpus,
                                    format_number(together, 3));
}

std::optional<Interval> clock_range(const std::vector<CanaryReading>& bursts) {
  std::vector<double> clocks;
  for (const CanaryReading& burst : bursts)
    if (burst.clock_hz && *burst.clock_hz > 0) clocks.push_back(*burst.clock_hz);
  if (clocks.empty()) return std::nullopt;
  return Interval{quantile(clocks, kFastest), quantile(clocks, 1 - kFastest)};
}

Finding disturbance(const char* key, const char* name, Value value, std::string shown,
                    std::string advice) {
  return {"disturbance",
          key,
          name,
          std::move(value),
          "",
          std::move(shown),
          "this look",
          FindingVerdict::bad,
          std::move(advice)};
}

}  // namespace

Result<LookReadings> take_look(Seconds seconds) {
  LookReadings readings;
  const std::vector<int> all = probe::allowed_cpus();
  readings.cpus = static_cast<int>(all.size());
  const auto canaries = make_canaries(readings.cpus);
  if (canaries == nullptr)
    return environment_error("to run bursts on every CPU", "a thread that cannot be pinned",
                             "doctor");
  std::optional<probe::ReferencePrograms> on_one, on_all;
  if (probe::reference_programs_available()) {
    on_one.emplace(std::vector{all.front()});
    on_all.emplace(all);
  }
  const SteadyClock clock;
  const double started = clock.now();
  readings.before = read_host_counters();
  do {
    readings.bursts.push_back(canaries->burst());
    if (on_one && readings.bursts.size() % kBurstsPerReference == 1) {
      const auto one = on_one->run(kArithmetic), many = on_all->run(kArithmetic);
      if (one) readings.on_one.push_back(*one);
      if (many) readings.on_all.push_back(*many);
    }
    std::this_thread::sleep_for(kPause);
  } while (clock.now() - started < seconds);
  readings.after = read_host_counters();
  readings.seconds = clock.now() - started;
  return readings;
}

MachineLook judge_look(const LookReadings& readings, const QuietLevels& known) {
  MachineLook look;
  look.seconds = readings.seconds;
  look.bursts = static_cast<int>(readings.bursts.size());
  look.quiet_share = quiet_share(readings, known);
  look.compute_levels = speed_levels(
      relative_times(readings.bursts, &CanaryReading::compute, readings.cpus), kComputeStep);
  look.cache_levels = speed_levels(
      relative_times(readings.bursts, &CanaryReading::cache, readings.cpus), kCacheStep);
  look.exchange_levels = speed_levels(
      relative_times(readings.bursts, &CanaryReading::exchange, readings.cpus / 2, known.exchange),
      kExchangeStep);
  judge_cores(readings, look);
  look.clock_hz = clock_range(readings.bursts);
  const HostState turn = state_of_turn(readings.before, readings.after, readings.seconds);
  look.cpu_pressure = turn.cpu_pressure;
  look.load = turn.load;
  look.steal = turn.steal;
  return look;
}

std::vector<Finding> look_findings(const MachineLook& look, int cpus) {
  std::vector<Finding> findings;
  const auto add = [&](bool bad, const char* key, const char* name, Value value, std::string shown,
                       const char* advice) {
    if (bad) findings.push_back(disturbance(key, name, std::move(value), std::move(shown), advice));
  };
  if (look.quiet_share)
    add(*look.quiet_share < kQuietEnough, "noise.quiet_share", "quiet", *look.quiet_share,
        format_percent(*look.quiet_share) + " of the time",
        "Stop what else runs here; where other guests disturb, measure longer (--budget 5m)");
  // The load is of a minute, and holds what came before: only where pressure cannot be read.
  if (look.load && !look.cpu_pressure)
    add(*look.load > kBusyLoad, "noise.load", "load", *look.load, format_number(*look.load, 3),
        "Stop other processes: they want CPUs while this one measures");
  if (look.cpu_pressure)
    add(*look.cpu_pressure > kHighPressure, "noise.cpu_pressure", "tasks waiting for a CPU",
        *look.cpu_pressure, format_percent(*look.cpu_pressure) + " of the time",
        "Stop other processes, or leave them CPUs of their own (taskset)");
  if (look.steal)
    add(*look.steal > kMuchStolen * cpus * look.seconds, "noise.steal", "stolen by the hypervisor",
        *look.steal, format_seconds(*look.steal), "Ask for dedicated CPUs");
  if (look.cores_shared)
    add(*look.cores_shared, "cpu.cores_shared", "CPUs share cores", true, look.cores_evidence,
        "Use one thread for each core (--threads), or CPUs of different cores (taskset -c)");
  double apart = 0;
  for (const SpeedLevel& level : look.exchange_levels)
    if (level.speed < kApart) apart += level.share;
  add(apart > kOftenApart, "cpu.apart", "CPUs on cores without a common cache", apart,
      format_percent(apart) + " of the time",
      "The hypervisor moves CPUs between core complexes: programs of several threads then run up "
      "to twice as long; ask for pinned CPUs, or measure longer");
  if (look.clock_hz)
    add(look.clock_hz->low < (1 - kClockWanders) * look.clock_hz->high, "cpu.clock_wanders",
        "clock wanders", look.clock_hz->low / look.clock_hz->high,
        fmt::format("{} to {}", format_count(look.clock_hz->low) + "Hz",
                    format_count(look.clock_hz->high) + "Hz"),
        "Hold the clock where the machine lets you (turbo off); else trust ratios, not levels");
  return findings;
}

}  // namespace batchtune

#include "tuner/measure/canary.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace batchtune {
namespace {

// The machine was quiet in some of the last rounds, if it ever is: of the readings kept, the level
// is the one that 5 % are faster than, and with few readings the third fastest.
constexpr double kQuietShare = 0.05;
constexpr std::size_t kLuckyBursts = 2;
// Some tens of rounds. A full window makes the level known and starts anew. It may raise what was
// known by so much.
constexpr std::size_t kWindow = 256;
constexpr double kMostRise = 0.01;

// The register burst repeats to 0.1 % in cycles, and takes 1.3 to 1.7 times as many while another
// guest shares the core. The clock, which wanders by 8 to 14 %, is known to 1 or 2 %.
constexpr double kComputeTolerance = 0.05;
// Reads of a cache that all guests share take 31 to 41 us while no program is any slower; a
// neighbour in the same cache doubles them.
constexpr double kCacheTolerance = 0.6;
// A cache line goes round in 60 to 115 ns on one core complex, in 330 ns between two.
constexpr double kExchangeTolerance = 1.5;

// Share of a turn in which some task waited for a CPU: our own parent and helpers make a few
// percent of it, 10 at times, another process that wants a CPU a half and more. Bursts are too
// short to be interrupted by one, so they do not see it.
constexpr double kPressureTolerance = 0.25;

// Parked workers, of one CPU: as much as parking.cpp takes for quiet.
constexpr double kParkedTolerance = 0.05;

// Cycles where there is a clock, else seconds.
const std::vector<double>& work_of(const std::vector<Seconds>& seconds,
                                   const std::vector<double>& cycles) {
  return cycles.empty() ? seconds : cycles;
}

using Kind = std::vector<Seconds> CanaryReading::*;

std::vector<Seconds> quiet_levels(const std::vector<CanaryReading>& readings, Kind kind,
                                  const std::vector<Seconds>& known) {
  const std::size_t rank = std::min(
      readings.size() - 1,
      std::max(kLuckyBursts,
               static_cast<std::size_t>(kQuietShare * static_cast<double>(readings.size()))));
  std::vector<Seconds> levels((readings.back().*kind).size());
  if (known.size() == levels.size() && readings.size() <= kLuckyBursts) return known;
  for (std::size_t cpu = 0; cpu < levels.size(); ++cpu) {
    std::vector<Seconds> sorted;
    for (const CanaryReading& reading : readings) sorted.push_back((reading.*kind)[cpu]);
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                     sorted.end());
    levels[cpu] = sorted[rank];
    if (known.size() == levels.size()) levels[cpu] = std::min(levels[cpu], known[cpu]);
  }
  return levels;
}

// A window's own levels, but little above what was known.
std::vector<Seconds> raised_little(std::vector<Seconds> window, const std::vector<Seconds>& known) {
  if (known.size() != window.size()) return window;
  for (std::size_t cpu = 0; cpu < window.size(); ++cpu)
    window[cpu] = std::min(window[cpu], known[cpu] * (1 + kMostRise));
  return window;
}

bool slower(const std::vector<Seconds>& found, const std::vector<Seconds>& quiet,
            double tolerance) {
  if (found.size() != quiet.size()) return false;
  for (std::size_t cpu = 0; cpu < found.size(); ++cpu)
    if (found[cpu] > quiet[cpu] * (1 + tolerance)) return true;
  return false;
}

}  // namespace

QuietLearner::QuietLearner(QuietLevels known) : known_(std::move(known)), levels_(known_) {}

void QuietLearner::add(const CanaryReading& reading) {
  if (!recent_.empty() && (reading.compute.size() != recent_.back().compute.size() ||
                           reading.cache.size() != recent_.back().cache.size() ||
                           reading.exchange.size() != recent_.back().exchange.size()))
    recent_.clear();  // other CPUs than before
  recent_.push_back(reading);
  recent_.back().compute = work_of(reading.compute, reading.compute_cycles);
  const auto level = [&](Kind kind, const std::vector<Seconds>& known) {
    if (recent_.size() < kWindow) return quiet_levels(recent_, kind, known);
    return raised_little(quiet_levels(recent_, kind, {}), known);
  };
  levels_ = {level(&CanaryReading::compute, known_.compute),
             level(&CanaryReading::cache, known_.cache),
             level(&CanaryReading::exchange, known_.exchange)};
  if (recent_.size() < kWindow) return;
  known_ = levels_;
  recent_.clear();
}

bool QuietLearner::disturbed(const HostState& host) const {
  if (host.parked_cpu > kParkedTolerance || host.cpu_pressure > kPressureTolerance) return true;
  return slower(work_of(host.compute_canary, host.compute_cycles), levels_.compute,
                kComputeTolerance) ||
         slower(host.cache_canary, levels_.cache, kCacheTolerance) ||
         slower(host.exchange_canary, levels_.exchange, kExchangeTolerance);
}

}  // namespace batchtune

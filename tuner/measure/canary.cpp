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
// Some tens of rounds. A full window makes the level known and starts anew, so that a slower level
// of the machine later on does not raise it.
constexpr std::size_t kWindow = 256;

// The register burst repeats to 0.1 % at one clock, and takes 1.3 to 1.7 times as long while
// another guest shares the core. The clock itself wanders by some 8 %, which slows all programs
// alike.
constexpr double kComputeTolerance = 0.10;
// Reads of a cache that all guests share take 31 to 41 us while no program is any slower; a
// neighbour in the same cache doubles them.
constexpr double kCacheTolerance = 0.6;
// A cache line goes round in 60 to 115 ns on one core complex, in 330 ns between two.
constexpr double kExchangeTolerance = 1.5;

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
  levels_ = {quiet_levels(recent_, &CanaryReading::compute, known_.compute),
             quiet_levels(recent_, &CanaryReading::cache, known_.cache),
             quiet_levels(recent_, &CanaryReading::exchange, known_.exchange)};
  if (recent_.size() < kWindow) return;
  known_ = levels_;
  recent_.clear();
}

bool QuietLearner::disturbed(const HostState& host) const {
  return slower(host.compute_canary, levels_.compute, kComputeTolerance) ||
         slower(host.cache_canary, levels_.cache, kCacheTolerance) ||
         slower(host.exchange_canary, levels_.exchange, kExchangeTolerance);
}

}  // namespace batchtune

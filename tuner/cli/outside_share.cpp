#include "tuner/cli/outside_share.h"

#include <algorithm>

namespace batchtune {
namespace {

Seconds inside(const Observation& observation) {
  if (std::holds_alternative<Probe>(observation.what)) return observation.wall;
  Seconds seconds = observation.device_time + observation.canaries;
  if (const auto* prepared = std::get_if<Preparation>(&observation.what))
    seconds += prepared->load_seconds;
  return std::min(seconds, observation.wall);
}

}  // namespace

std::optional<double> outside_share(std::span<const Observation> observations, Seconds wall) {
  if (wall <= 0 || observations.empty()) return std::nullopt;
  Seconds measuring = 0;
  for (const Observation& observation : observations) measuring += inside(observation);
  return std::clamp(1 - measuring / wall, 0.0, 1.0);
}

}  // namespace batchtune

// at_threads and scaling_of (device_file.h): what fewer threads than all reach.
#include <algorithm>
#include <optional>
#include <utility>

#include "tuner/estimate/device_file.h"

namespace batchtune {
namespace {

// A figure at some thread counts; the whole device's is the last.
using Points = std::vector<std::pair<int, double>>;

double interpolate(const Points& points, int threads) {
  std::pair<int, double> before{0, 0.0};
  for (const auto& point : points) {
    if (threads <= point.first) {
      const double share =
          static_cast<double>(threads - before.first) / (point.first - before.first);
      return before.second + share * (point.second - before.second);
    }
    before = point;
  }
  return points.back().second;
}

// `measured(figures)` gives the figure at figures.threads, if it was measured there.
template <typename Measured>
double at(const Calibration& calibration, int threads, double whole, Measured measured) {
  Points points;
  for (const ThreadFigures& figures : calibration.scaling)
    if (figures.threads < calibration.device.cores)
      if (const std::optional<double> value = measured(figures))
        points.emplace_back(figures.threads, *value);
  points.emplace_back(calibration.device.cores, whole);
  return interpolate(points, threads);
}

std::optional<double> peak_in(const ThreadFigures& figures, const Peak& wanted) {
  for (const Peak& peak : figures.peaks)
    if (peak.dtype == wanted.dtype && peak.isa == wanted.isa) return peak.flops_per_second;
  return std::nullopt;
}

const MemoryLevel* level_in(const ThreadFigures& figures, const MemoryLevel& wanted) {
  for (const MemoryLevel& level : figures.memory_levels)
    if (level.name == wanted.name) return &level;
  return nullptr;
}

void scale_level(const Calibration& calibration, int threads, bool is_main, MemoryLevel& level) {
  const MemoryLevel whole = level;
  level.bytes_per_second =
      at(calibration, threads, whole.bytes_per_second, [&](const ThreadFigures& figures) {
        const MemoryLevel* found = level_in(figures, whole);
        return found ? std::optional(found->bytes_per_second) : std::nullopt;
      });
  if (is_main || !whole.capacity_bytes) return;
  level.capacity_bytes =
      at(calibration, threads, *whole.capacity_bytes, [&](const ThreadFigures& figures) {
        const MemoryLevel* found = level_in(figures, whole);
        return found ? found->capacity_bytes : std::nullopt;
      });
}

}  // namespace

DeviceInfo at_threads(const Calibration& calibration, int threads) {
  DeviceInfo device = calibration.device;
  threads = std::clamp(threads, 1, std::max(1, device.cores));
  if (threads == device.cores) return device;
  for (Peak& peak : device.peaks) {
    const Peak whole = peak;
    peak.flops_per_second =
        at(calibration, threads, whole.flops_per_second,
           [&](const ThreadFigures& figures) { return peak_in(figures, whole); });
  }
  for (MemoryLevel& level : device.memory_levels)
    scale_level(calibration, threads, &level == &device.memory_levels.back(), level);
  device.cores = threads;
  return device;
}

DeviceInfo at_cores(DeviceInfo device, int cores) {
  for (Peak& peak : device.peaks) peak.flops_per_second *= cores;
  for (MemoryLevel& level : device.memory_levels) level.bytes_per_second *= cores;
  return device;
}

ScalingSummary scaling_of(const Calibration& calibration) {
  ScalingSummary out;
  const DeviceInfo& whole = calibration.device;
  if (calibration.scaling.empty() || calibration.scaling.front().threads != 1) return out;
  const ThreadFigures& one = calibration.scaling.front();
  double fastest = 0;
  for (const Peak& peak : whole.peaks) {
    const std::optional<double> single = peak_in(one, peak);
    if (!single || peak.flops_per_second <= fastest) continue;
    fastest = peak.flops_per_second;
    out.compute = fastest / *single;
  }
  if (whole.memory_levels.empty()) return out;
  if (const MemoryLevel* level = level_in(one, whole.memory_levels.back()))
    out.bandwidth = whole.memory_levels.back().bytes_per_second / level->bytes_per_second;
  return out;
}

}  // namespace batchtune

#include "tuner/estimate/figures.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace batchtune {
namespace {

std::int64_t to_batch(double x) {
  if (!(x > 0)) return 0;
  if (x >= static_cast<double>(kLargestBatch)) return kLargestBatch;
  return static_cast<std::int64_t>(x);
}

std::string isa_in_use(const DeviceInfo& device, DType dtype) {
  for (const auto& [type, isa] : device.isa_in_use)
    if (type == dtype) return isa;
  return "";
}

std::optional<double> best_peak(const DeviceInfo& device, DType dtype, const std::string& isa) {
  std::optional<double> best;
  for (const Peak& peak : device.peaks)
    if (peak.dtype == dtype && (isa.empty() || peak.isa == isa))
      best = std::max(best.value_or(0), peak.flops_per_second);
  return best;
}

std::string known_dtypes(const DeviceInfo& device) {
  std::string names;
  for (DType dtype : kDTypes)
    if (best_peak(device, dtype, ""))
      names += (names.empty() ? "" : ", ") + std::string(name_of(dtype));
  return names.empty() ? "no peak at all" : names;
}

}  // namespace

std::int64_t guarded_ceil(double x) {
  return to_batch(std::ceil(x * (1 - kRoundingGuard)));
}

std::int64_t guarded_floor(double x) {
  return to_batch(std::floor(x * (1 + kRoundingGuard)));
}

Result<double> device_peak(const DeviceInfo& device, DType dtype) {
  const std::string isa = isa_in_use(device, dtype);
  std::optional<double> peak = best_peak(device, dtype, isa);
  if (!peak && !isa.empty()) peak = best_peak(device, DType::f32, isa);
  if (!peak)
    return bad_input("a peak for " + std::string(name_of(dtype)) + " of " + device.name,
                     known_dtypes(device), "--dtype",
                     "Choose a data type that the device has figures for");
  return *peak;
}

Result<double> main_memory_bandwidth(const DeviceInfo& device) {
  if (device.memory_levels.empty())
    return bad_input("a memory bandwidth of " + device.name, "none", "memory_levels");
  return device.memory_levels.back().bytes_per_second;
}

}  // namespace batchtune

// Device files (JSON): a user's description of hardware, and the note that `calibrate` keeps of
// this machine. One format for both; the schema is device.schema.json beside this file. A
// calibration is a device file with "measured_at" and "scaling": what fewer threads reach. It
// measures nothing: kernels/probe does, cli puts the figures together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/device.h"
#include "tuner/core/error.h"

namespace batchtune {

// What `threads` threads reach together, measured with that many running. Peaks and levels that
// were not measured for this count may be left out.
struct ThreadFigures {
  int threads = 1;
  std::vector<Peak> peaks;
  std::vector<MemoryLevel> memory_levels;  // matched with the device's by name
};

struct Calibration {
  DeviceInfo device;                   // with all `device.cores` threads running
  std::vector<ThreadFigures> scaling;  // ascending threads, below device.cores
  std::string measured_at;             // ISO 8601, UTC
};

// The device as `threads` threads see it (all threads of all instances together). A figure is that
// of the measured count, else on the straight line between the measured neighbours (0 threads:
// nothing; all threads: the device's); a figure measured at no fewer threads is taken in proportion
// to the threads. Capacities of caches follow the same rule; memory_bytes, overheads and main
// memory's capacity stay. More threads than cores give the whole device; less than one gives that
// of one.
DeviceInfo at_threads(const Calibration& calibration, int threads);

// A device that is described by one of its cores, as so many of them together: peaks and bandwidths. Its
// memory stays that of one core, which has no room for what another has.
DeviceInfo at_cores(DeviceInfo device, int cores);

// Speed of the whole device over one thread: of the fastest peak, and of main memory; absent where
// one thread was not measured. `compute` is the number of cores that there really are: two virtual
// CPUs may share one.
struct ScalingSummary {
  std::optional<double> compute;
  std::optional<double> bandwidth;
};
ScalingSummary scaling_of(const Calibration& calibration);

// Errors name the file with line and column (broken JSON) or the JSON path, and what was expected
// there. Unknown and repeated members are errors, so that a misspelt one is noticed. Figures
// without "origin" are the user's own.
Result<Calibration> parse_calibration(std::string_view json, std::string_view file_name);
Result<DeviceInfo> parse_device(std::string_view json, std::string_view file_name);
Result<DeviceInfo> read_device_file(const std::string& path);

// What the parsers read back as an equal device or calibration.
std::string write_device(const DeviceInfo& device);
std::string write_calibration(const Calibration& calibration);

}  // namespace batchtune

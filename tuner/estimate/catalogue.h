// Published figures of accelerators, as data: what an estimate can be made from without the
// hardware. It is not a description of this machine: a CPU's figures are measured (device_file.h,
// Calibration). Trap: the batching guide's `trainium` row (210 TFLOPS) is a figure that AWS has
// withdrawn since; today's architecture pages are `trn1`. Both are here, since one repeats the
// guide and the other the hardware.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/device.h"
#include "tuner/core/error.h"

namespace batchtune {

struct PeakFigure {
  DType dtype;
  double flops_per_second;  // dense, of the whole entry
  std::string source;       // page and date, and how it was derived where it was
};

struct MemoryFigure {
  std::string name;       // "HBM"
  double capacity_bytes;  // 0: the source does not say
  double bytes_per_second;
  std::string source;  // of capacity and bandwidth
};

// A whole device ("trn2"), one of its cores ("trn2:core"), or the cores that one program sees as
// one
// ("trn2:lnc2", two cores joined, the default there). A core's figures stand alone: those of all
// cores need not add up to the device's (8 x 79 is not 667), as the pages themselves don't.
struct CatalogueEntry {
  std::string_view name;
  std::string_view description;
  int cores;
  std::vector<PeakFigure> peaks;
  std::vector<MemoryFigure> memory_levels;  // fastest first; the last is main memory
};

std::span<const CatalogueEntry> catalogue();

// As the estimates take it: origin catalogue, memory_bytes = capacity of main memory, no overheads
// (none are published).
DeviceInfo to_device(const CatalogueEntry& entry);

// By exact name; the error names the nearest entries and all of them.
Result<DeviceInfo> find_device(std::string_view name);

}  // namespace batchtune

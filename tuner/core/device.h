// What a backend or the catalogue says of hardware, and where each figure comes from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/core/dtype.h"
#include "tuner/core/units.h"

namespace batchtune {

enum class FigureOrigin { catalogue, measured, user };
std::string_view name_of(FigureOrigin origin);

// Peak arithmetic of the whole device for one data type on one instruction set.
struct Peak {
  DType dtype = DType::f32;
  std::string isa;  // "avx512bf16"; "" where the device has one way only
  double flops_per_second = 0;
  FigureOrigin origin = FigureOrigin::catalogue;
  std::string source;  // "inf1-arch page, 2026-08-21" or "calibrate, 2 threads"

  bool operator==(const Peak&) const = default;
};

// One level of the memory hierarchy as measured or published. Fastest first; the last one is main
// memory.
struct MemoryLevel {
  std::string name;  // "L1", "L2", "L3", "DRAM", "HBM"
  std::optional<double>
      capacity_bytes;           // of all cores together; nullopt for main memory of unknown size
  double bytes_per_second = 0;  // read bandwidth of the whole device
  FigureOrigin origin = FigureOrigin::catalogue;
  std::string source;

  bool operator==(const MemoryLevel&) const = default;
};

struct DeviceInfo {
  std::string name;     // "AMD EPYC, 2 CPUs" or "inferentia"
  std::string backend;  // "cpu"; "" for a catalogue entry
  std::string version;  // of the library or runtime behind it
  std::vector<Peak> peaks;
  std::vector<MemoryLevel> memory_levels;
  std::optional<double> memory_bytes;    // capacity for weights and activations
  std::optional<double> run_overhead;    // seconds that any run costs, whatever its size
  std::optional<double> layer_overhead;  // seconds that any operation costs
  int cores = 1;                         // that compute in parallel
  std::optional<double> load_seconds;    // putting the weights on the device; filled once loaded
  bool simulated = false;
  std::optional<DType> default_dtype;  // what it computes in unless told; nullopt: nothing says
  bool compiles_elsewhere = false;     // preparing compiles on other hardware than what runs: both may go on at once
  // Instruction set that will run each dtype here ("avx512bf16" for bf16); "" = not said.
  std::vector<std::pair<DType, std::string>> isa_in_use;

  bool operator==(const DeviceInfo&) const = default;
};

}  // namespace batchtune

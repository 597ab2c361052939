// Measures what this machine's processor can do: peak multiply-adds per data type and instruction
// set, read bandwidth per level of memory, and how both scale with threads ("two CPUs may be one
// core"). The figures are ceilings: the best of many short bursts spread over the whole time, in
// random order, since disturbance by neighbours comes and goes within seconds. Not here: what real
// kernels achieve.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace batchtune::probe {

struct CalibrationProgress {
  double elapsed = 0, budget = 0;  // seconds
  std::string_view stage;          // "preparing" or "measuring"
};

struct CalibrationOptions {
  double seconds = 15;      // for everything; ends sooner when nothing improves any more
  std::vector<int> cpus;    // one thread each; empty: all that the process may use
  double size_step = 1.25;  // between working sets; 3 points per level at least decide it
  double memory_bytes = 0;  // that this process may use (a container's limit): a quarter of it at
                            // most is taken; 0: what the system says is available
  std::function<void(const CalibrationProgress&)> progress;  // called from the calling thread
};

CalibrationOptions fast_calibration();  // two seconds: rough levels, for tests and a first look
CalibrationOptions full_calibration();  // a minute, finer steps

// One rate: the best burst is the ceiling, the median burst what is usual here.
struct Rate {
  double best = 0, median = 0;  // per second
  int bursts = 0;
};

struct PeakFigure {
  kernels::Dtype dtype = kernels::Dtype::f32;
  kernels::Isa isa = kernels::Isa::reference;
  int threads = 1;
  Rate flops;
};

struct LevelFigure {
  std::string name;           // "L1", "L2", "L3" ...; the last one is "DRAM"
  double capacity_bytes = 0;  // of all threads' caches together; 0 for DRAM
  Rate bytes;                 // read by all threads together
};

struct ScalingFigure {
  int threads = 1;
  Rate flops;     // f32 of the widest instruction set
  Rate l2_bytes;  // reads of 192 KiB per thread
};

struct SweepPoint {
  double bytes = 0;  // working set of all threads together
  Rate rate;         // bytes read by all threads together
};

struct CalibrationFigures {
  std::vector<int> cpus;
  bool pinned = true;                  // every thread had its CPU
  std::vector<PeakFigure> peaks;       // by isa and dtype, with 1 thread and with all
  std::vector<LevelFigure> levels;     // fastest first
  std::vector<ScalingFigure> scaling;  // 1, 2, 4, ... and all threads
  std::vector<SweepPoint> sweep;       // the evidence for `levels`
  int rounds = 0;                      // bursts of each kind that were aimed at
  double seconds = 0;                  // it took
  std::string failure;                 // why nothing was measured; empty otherwise
};

// Never throws; allocates the largest working set and gives it back. About `seconds` of wall time
// on all `cpus`.
CalibrationFigures calibrate(const CalibrationOptions& options = {});

}  // namespace batchtune::probe

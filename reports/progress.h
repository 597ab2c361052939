// The one line that shows on a terminal while a session runs. The caller writes it over the last
// one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tuner/core/units.h"

namespace batchtune {

struct ProgressState {
  std::string model;
  std::string doing;   // "round of 4", "preparing batch 16", "probing batch 212"
  int candidates = 0;  // prepared so far
  int rounds = 0;
  int probes = 0;
  Seconds spent = 0;  // reported device time
  std::optional<Seconds> budget;
  std::optional<std::int64_t> best_batch;
  std::optional<double> best_throughput;  // samples/s of best_batch
  bool simulated = false;
};

// At most `width` characters, no line feed. The end is left out first, between parts; the model
// always shows.
std::string progress_line(const ProgressState& state, int width);

}  // namespace batchtune

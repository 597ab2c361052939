// Predicted figures, before measuring. Computed by tuner/estimate; shown, stored and searched
// elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/units.h"

namespace batchtune {

enum class Bound { compute, memory, overhead };
std::string_view name_of(Bound bound);

// One batch of the per-layer roofline.
struct PointEstimate {
  std::int64_t batch = 1;
  Seconds latency = 0;           // of one batch
  double throughput = 0;         // samples per second, all instances
  double memory = 0;             // bytes: weights + planned activations + workspace
  Bound bound = Bound::compute;  // what takes most of the time
  // Its parts: operations bound by arithmetic, by moving bytes, and what runs and operations cost
  // whatever their size. All 0 where they are not known apart.
  Seconds computing = 0, moving = 0, overhead = 0;
};

// The batching guide's formula with its terms:
// batch = ceil(0.5 x (peak / bandwidth) / (flops / (parameters x dtype size)) x (1 - 1e-9)).
struct FormulaEstimate {
  double peak_flops = 0;        // FLOP/s
  double bandwidth = 0;         // bytes/s
  double flops_per_sample = 0;  // dense
  double dense_parameters = 0;
  double dtype_bytes = 0;
  double ridge = 0;                 // peak / bandwidth, FLOP/byte
  double intensity_per_sample = 0;  // flops / (parameters x dtype bytes), FLOP/byte at batch 1
  double exact = 0;                 // before the ceiling
  std::int64_t batch = 1;
  std::optional<std::int64_t>
      guide_batch;  // with the guide's own printed figures, where it has the model
  // The batches whose intensity straddles the ridge (the guide's picture): largest below, smallest
  // above.
  std::int64_t below_ridge = 1, above_ridge = 1;
};

struct Estimate {
  CandidateGroup group;
  std::int64_t batch = 1;  // the search's seed: knee of the per-layer roofline, else formula.batch
  Bound bound = Bound::compute;  // at that batch
  std::optional<FormulaEstimate> formula;
  std::vector<PointEstimate> curve;  // ascending batch; empty without layers
};

}  // namespace batchtune

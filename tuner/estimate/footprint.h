// Predicted bytes of any batch before anything ran. Measured bytes are another matter (tuner/search
// fits a line through them).
// Trap: the plan knows tensors, not a backend's packing or an allocator's slack.
#pragma once

#include "tuner/core/candidate.h"
#include "tuner/core/units.h"
#include "tuner/workload/model.h"

namespace batchtune {

// A guess: a thread packs panels of about an L2 cache while it multiplies.
inline constexpr double kWorkspacePerThread = 1024.0 * 1024.0;

// Bytes as a line in the batch, per instance but for the weights, which instances share. Exact up
// to the alignment of tensors (64 bytes each).
struct MemoryLine {
  double weights = 0;
  double workspace = 0;               // of all threads
  double activations_fixed = 0;       // per instance
  double activations_per_sample = 0;  // per instance
  int instances = 1;                  // on a core (CandidateGroup::cores)

  double activations_at(double batch) const {  // of all instances
    return instances * (activations_fixed + activations_per_sample * batch);
  }
  double at(double batch) const { return weights + workspace + activations_at(batch); }
};

// From the plans of two batches, since planning each batch would be slow. The model has passed
// infer_shapes.
MemoryLine planned_memory_line(const Model& model, const CandidateGroup& group);

}  // namespace batchtune

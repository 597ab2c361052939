// What a run and its memory cost on the simulated device: a formula of its own. It must not call
// the roofline nor imitate it (terms are added, nothing is a maximum of compute and memory): if
// guess and truth were one formula, tests of the search would prove nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/core/candidate.h"
#include "tuner/core/observation.h"
#include "tuner/workload/model.h"

namespace batchtune::simulated {

// Streaming one byte of weights takes as long as this many FLOP; with it small batches are
// memory-bound.
inline constexpr double kFlopsPerWeightByte = 20;

// Virtual seconds of one undisturbed run of one batch; with k instances, of the first of them while
// all run. They have threads and launches of their own, share the bandwidth and the cache, and get
// in each other's way a little: which split is best depends on the batch.
Seconds run_seconds(const Model& model, const Candidate& candidate, const Parameters& parameters);
// Its terms by operation; their sum is run_seconds().
std::vector<LayerTime> layer_seconds(const Model& model, const Candidate& candidate,
                                     const Parameters& parameters);
// By how much instance number `instance` (from 0) is slower than the first.
double unevenness(int instance, const Parameters& parameters);

// Exact account. Every activation is alive at once, and every thread has a fixed workspace. Absurd
// batches saturate far above any wall.
MemoryUse memory_of(const Model& model, const Candidate& candidate);
Bytes weights_of(const Model& model, DType dtype);

}  // namespace batchtune::simulated

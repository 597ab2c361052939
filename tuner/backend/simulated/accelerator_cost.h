// What a run, its memory and its compilation cost on a simulated accelerator. A formula of its own that shares nothing
// with the roofline, which must be able to be wrong about it: whole tiles, exchanges of tiles, starts of operations,
// spills that are waited for, and activities that hide a part of each other and never all of it. There is no maximum of
// compute and memory in it.
#pragma once

#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/simulated/accelerator.h"
#include "tuner/core/candidate.h"
#include "tuner/core/observation.h"
#include "tuner/workload/model.h"

namespace batchtune::simulated {

// Virtual seconds of one undisturbed run of one batch by instance number `instance`, while all others run: the
// instances of a core are executions in flight there (the host's part of one is hidden behind the device's of the
// others), those of several cores share the way to memory.
Seconds run_seconds(const Model& model, const Candidate& candidate, int instance,
                    const Accelerator& device);

// Of the device, without the host's part and other instances, operation by operation.
std::vector<LayerTime> layer_seconds(const Model& model, const Candidate& candidate,
                                     const Accelerator& device);

// Exact account of the fullest core: its weights once, and of each instance there the tensors and the program.
// Tensors in between are taken in whole pages, so it is no straight line. Absurd batches saturate far above any wall.
MemoryUse memory_of(const Model& model, const Candidate& candidate, const Accelerator& device);

// Of the memory that one core can have while so many are in use: the true wall.
Bytes wall_of(const Accelerator& device, int cores);

// Largest batch whose account is within `wall`; 0: not even one sample. The truth that a boundary is held against.
std::int64_t largest_fitting(const Model& model, const CandidateGroup& group,
                             const Accelerator& device, Bytes wall);

// Of the compiler, for a batch of a group, whatever its instances and cores.
Seconds compile_seconds(const Model& model, const Candidate& candidate, const Accelerator& device);

}  // namespace batchtune::simulated

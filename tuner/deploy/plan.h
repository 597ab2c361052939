// The batch sizes of a training job: from the global batch that the optimizer sees to the micro-batch that a core
// computes at a time, by the batching guide's names and what memory has room for.
//
//   global batch = micro-batch x accumulation steps x data-parallel ranks   (guide, "Batch-size naming", as of 2025-05)
//   replica (or mini) batch = micro-batch x accumulation steps
//   worker batch: what one worker (a node) processes: of all data-parallel ranks that it holds. Where a rank spans
//   several workers (tensor and pipeline parallelism), each of them sees all its samples.
//
// The guide takes "the largest batch-size that we can get away with": the largest micro-batch that fits and divides the
// replica batch, so the fewest steps. With pipeline stages each update begins and ends with idle stages, for (PP - 1) /
// (steps + PP - 1) of the time, which is little from 4 x PP micro-batches on (GPipe, Huang et al. 2019, section 2.3):
// the largest micro-batch is then looked for among those that leave so many steps.
#pragma once

#include <cstdint>

#include "tuner/core/error.h"
#include "tuner/core/training.h"
#include "tuner/estimate/training.h"

namespace batchtune {

inline constexpr std::int64_t kLargestGlobalBatch = 1'000'000'000;  // divisors are found by trying

struct PlanRequest {
  std::int64_t global_batch = 1;
  int data_parallel = 1;
  int workers = 0;           // 0: one for each data-parallel rank
  TrainingOptions training;  // memory_bytes 0: nothing is chosen, all is counted
};

// Errors, with the nearest global batches that do: a global batch that the ranks cannot share evenly; and workers that
// neither share the ranks nor are shared by them. That nothing fits is a plan (nothing_fits), with its levers.
Result<TrainingPlan> plan_training(const TrainingCounts& counts, const PlanRequest& request);

}  // namespace batchtune

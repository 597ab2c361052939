// Turns the operations of a model into prepared steps for one batch: pointers, sizes and kernels
// are all settled here, so that a run only calls them one after the other.
#pragma once

#include <functional>
#include <vector>

#include "kernels/arena.h"
#include "tuner/backend/cpu/cpu_model.h"
#include "tuner/backend/imported/prepared_calls.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::cpu {

struct Step {
  OpIndex op = 0;
  std::function<void(kernels::Team&)> run;
};

struct LoweringContext {
  const CpuModel& model;
  std::int64_t batch;
  const MemoryPlan& plan;
  std::byte* activations;
  std::byte* workspace;  // lanes x lane_workspace
  Bytes lane_workspace;  // of lane_workspace_bytes()
  // Of imported models.
  const imported::CallConstants& constants;
  imported::CallFailure* failure;
};

// Scratch that each lane needs for any operation. Of native operations it is the same whatever the
// batch; the shapes of calls are computed, so their activations must be there before this is asked.
Bytes lane_workspace_bytes(const CpuModel& model, std::int64_t batch);

// Steps in order; inputs and reshapes have none. The pointers of `context` must outlive the steps.
std::vector<Step> lower(const LoweringContext& context);

}  // namespace batchtune::cpu

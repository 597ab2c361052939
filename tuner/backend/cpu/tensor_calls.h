// The calls of kernels/tensor that an imported model has beside its native operations, made ready
// for one batch.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernels/arena.h"
#include "tuner/backend/imported/lowered.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::cpu {

// What of the calls' tensors is no operation's: small ones that the batch decides. Of one program;
// the model must outlive it.
class CallConstants {
 public:
  CallConstants() = default;
  CallConstants(const imported::LoweredModel& model, std::int64_t batch);
  const void* numbers(int index) const { return numbers_[static_cast<std::size_t>(index)].data(); }

 private:
  void add(const imported::Operand& operand, const imported::LoweredModel& model,
           std::int64_t batch);

  std::vector<std::string> numbers_;  // elements of each, of LoweredModel::numbers
};

// The first call of a run that was refused by its kernel: an index that is out of range, as a rule.
struct CallFailure {
  const imported::NodeCall* call = nullptr;
  const char* why = nullptr;
};

struct CallContext {
  const imported::LoweredModel& model;
  const kernels::tensor::Kernels& kernels;
  const CallConstants& constants;
  std::int64_t batch;
  const MemoryPlan& plan;
  std::byte* activations;
  kernels::Workspace workspace;
  CallFailure* failure;  // set by a run, never cleared by it
};

// Everything in `context` but itself must outlive the result.
std::function<void(kernels::Team&)> prepare_call(const CallContext& context,
                                                 const imported::NodeCall& call);

// Scratch for each lane that any of the calls needs at this batch.
Bytes call_workspace_bytes(const imported::LoweredModel& model,
                           const kernels::tensor::Kernels& kernels, std::int64_t batch);

}  // namespace batchtune::cpu

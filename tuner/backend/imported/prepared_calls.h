// The calls of kernels/tensor that a lowered model has beside its native operations, made ready for
// one batch: for every backend that runs lowered models, wherever its tensors lie.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernels/arena.h"
#include "tuner/backend/imported/lowered.h"

namespace batchtune::imported {

// What of the calls' tensors is no operation's: small ones that the batch decides. Of one program;
// the model must outlive it.
class CallConstants {
 public:
  CallConstants() = default;
  CallConstants(const LoweredModel& model, std::int64_t batch);
  const void* numbers(int index) const { return numbers_[static_cast<std::size_t>(index)].data(); }

 private:
  void add(const Operand& operand, const LoweredModel& model, std::int64_t batch);

  std::vector<std::string> numbers_;  // elements of each, of LoweredModel::numbers
};

// Where the tensor of an operation lies, row-major in the operation's order of dimensions.
using Places = std::function<std::byte*(OpIndex op)>;

// Where an operand lies; nullptr: it was left out.
const void* data_of(const Operand& operand, const LoweredModel& model,
                    const CallConstants& constants, const Places& places);

// The first call of a run that was refused by its kernel: an index that is out of range, as a rule.
struct CallFailure {
  const NodeCall* call = nullptr;
  const char* why = nullptr;
};
// TrialStatus::failed with the node's name, where there is one.
Outcome<void> check(const CallFailure& failure);

struct CallContext {
  const LoweredModel& model;
  const kt::Kernels& kernels;
  const CallConstants& constants;
  std::int64_t batch;
  Places places;
  kernels::Workspace workspace;
  CallFailure* failure;  // set by a run, never cleared by it
};

// Everything in `context` but itself and `places` must outlive the result.
std::function<void(kernels::Team&)> prepare_call(const CallContext& context, const NodeCall& call);

// Scratch for each lane that any of the calls needs at this batch.
Bytes call_workspace_bytes(const LoweredModel& model, const kt::Kernels& kernels,
                           std::int64_t batch);

// Of LoweredModel::constants.
Bytes constant_bytes(const LoweredModel& model);

}  // namespace batchtune::imported

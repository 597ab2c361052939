// Predicted figures of training and the plan of a training job, before anything ran. Computed by tuner/estimate
// (formula, memory) and tuner/deploy (plan); shown by reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace batchtune {

inline constexpr double kGuideTrainingShare = 0.6;

struct TrainingFormula {
  double memory_share = kGuideTrainingShare;
  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  double memory_bytes = 0;
  double dense_parameters = 0;
  double state_bytes = 0;
  double exact = 0;
  std::int64_t batch = 0;  // 0: not even one by the formula
};

// All bytes are per core.
struct TrainingMemory {
  double parameters = 0;
  double weight_bytes = 0;
  double gradient_bytes = 0;
  double optimizer_bytes = 0;
  double forward_bytes_per_sample = 0;     // of all tensors of the forward pass: the guide's sum
  double activation_bytes_per_sample = 0;  // kept for the backward pass: these and what it needs beside them
  double memory_bytes = 0;                 // 0: not known
  double free_bytes = 0;   // for activations; negative when the state alone does not fit; 0: not known
  std::int64_t batch = 0;  // largest micro-batch that fits; 0: none, or not known

  double state_bytes() const { return weight_bytes + gradient_bytes + optimizer_bytes; }
};

// One way of making a replica's batch of micro-batches: size x steps samples.
struct MicroBatch {
  std::int64_t size = 1;
  std::int64_t steps = 1;  // accumulation steps: micro-batches for each update of the weights
  double bytes = 0;        // of a core
  double idle = 0;         // share of the time that a stage of the pipeline waits: its bubble; 0 without stages
  bool fits = true;        // true where the memory is not known
};

// What would make room, and the largest micro-batch then (0: still none).
struct TrainingLever {
  std::string what;  // "TP 4 (32 cores)"
  std::int64_t micro_batch = 0;
};

// A global batch nearby, and the micro-batch and steps that it would have.
struct NearbyBatch {
  std::int64_t global_batch = 0;
  MicroBatch micro;
};

// By the batching guide's names: global = replica (or mini) x data-parallel, replica = micro x steps.
struct TrainingPlan {
  std::int64_t global_batch = 1;   // samples for each update of the weights
  std::int64_t replica_batch = 1;  // of these, of one data-parallel rank
  std::int64_t worker_batch = 1;   // of these, of one worker (a node): of all replicas that it holds
  int data_parallel = 1;
  int workers = 1;
  int tensor_parallel = 1;
  int pipeline_parallel = 1;

  TrainingMemory memory;
  std::optional<TrainingFormula> formula;  // absent where the memory is not known
  std::vector<MicroBatch> splits;          // every divisor of the replica batch, largest micro-batch first
  std::optional<MicroBatch> chosen;        // absent where nothing fits or the memory is not known
  std::string reason;                      // why this one, or why none
  std::vector<TrainingLever> levers;       // where nothing fits
  std::vector<NearbyBatch> nearby;         // where divisors alone keep the micro-batch small

  std::int64_t cores() const {
    return std::int64_t{data_parallel} * tensor_parallel * pipeline_parallel;
  }
  bool nothing_fits() const { return memory.memory_bytes > 0 && !chosen; }
};

}  // namespace batchtune

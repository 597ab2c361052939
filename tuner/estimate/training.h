// Batch size for training: the batching guide's formula, and beside it the memory model that the
// formula leaves out.
//
// Formula: batch = floor(0.6 x TP x PP x memory of a core / (dense parameters x state bytes)). The
// guide says "the largest that fits", hence the floor, and its example is exactly 8.0, hence a
// guard against noise. Trap: the quotient has no "per sample" in it (it counts copies of the
// model), and its state bytes leave out the optimizer: a first guess for models like BERT-Large,
// nothing more.
//
// Memory model, per core: parameters x (weight + gradient + optimizer bytes) / (TP x PP)
//                         + batch x activations of the forward pass / TP <= memory.
// Activations are kept for the backward pass, so all forward tensors count. Pipelining splits the
// layers over PP stages but keeps up to PP micro-batches in flight on the first one: PP cancels
// there.
#pragma once

#include <cstdint>

#include "tuner/core/error.h"
#include "tuner/core/session.h"

namespace batchtune {

inline constexpr double kGuideTrainingShare = 0.6;

struct TrainingOptions {
  double memory_bytes = 0;  // of one core (device memory / cores)
  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  double state_bytes = 4;  // per parameter: weight and gradient in 2 bytes each
  // Per parameter; the guide says 4 to 12. 12 = f32 master weight and Adam's two moments.
  double optimizer_bytes = 12;
  double activation_bytes = 2;  // per element kept
};

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
  double activation_bytes_per_sample = 0;
  double memory_bytes = 0;
  double free_bytes = 0;   // for activations; negative when the state alone does not fit
  std::int64_t batch = 0;  // largest micro-batch that fits; 0: none
};

struct TrainingEstimate {
  TrainingFormula formula;
  TrainingMemory memory;
};

// From raw figures. An error names the figure that is not positive and finite.
Result<TrainingFormula> training_formula(double dense_parameters, const TrainingOptions& options);

// The formula with the model's dense parameters, the memory model with all its parameters and
// forward tensors.
Result<TrainingEstimate> estimate_training(const ModelSummary& model,
                                           const TrainingOptions& options);

}  // namespace batchtune

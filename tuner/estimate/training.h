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
//                         + batch x activations kept for the backward pass / TP <= memory.
// Weights, gradients, optimizer and activations are the guide's contributors; 2 + 2 + 12 bytes are those of mixed
// precision with Adam in ZeRO (Rajbhandari et al. 2019, section 3.1). The guide takes the sum of all tensors of the
// forward pass as activations; its broken example reads as 16 x sequence x hidden x layers x 2 bytes, 100 MB for
// BERT-Large, which is what that sum gives here. The backward pass needs more (training_counts). With it a transformer
// layer comes to sh(32 + 4as/h) bytes in bf16, as in Korthikanti et al. 2022 (equation 1, without the dropout masks).
// Pipelining splits the layers over PP stages but keeps up to PP micro-batches in flight on the first one: PP cancels
// there.
#pragma once

#include <cstdint>

#include "tuner/core/error.h"
#include "tuner/core/training.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct TrainingOptions {
  double memory_bytes = 0;  // of one core (device memory / cores); 0: not known
  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  double state_bytes = 4;  // per parameter: weight and gradient in 2 bytes each
  // Per parameter; the guide says 4 to 12. 12 = f32 master weight and Adam's two moments.
  double optimizer_bytes = 12;
  int optimizer_shards = 1;     // cores that share the optimizer state (ZeRO stage 1: the data-parallel ranks)
  double activation_bytes = 2;  // per element kept
};

// What training is computed from.
struct TrainingCounts {
  double parameters = 0;        // all of them have a gradient and optimizer state
  double dense_parameters = 0;  // those of the guide's formula
  double forward_elements = 0;  // written by the forward pass, of one sample
  // Of one sample: these, and the tensors between a product and what it computes in passing that the backward pass
  // cannot do without: the inputs of a batch norm, of GELU and of SiLU.
  double kept_elements = 0;
};
TrainingCounts training_counts(const Model& model);

struct TrainingEstimate {
  TrainingFormula formula;
  TrainingMemory memory;
};

// From raw figures. An error names the figure that is not positive and finite.
Result<TrainingFormula> training_formula(double dense_parameters, const TrainingOptions& options);

// Without a memory (0) the parts alone. An error names the figure that is wrong.
Result<TrainingMemory> training_memory(const TrainingCounts& counts,
                                       const TrainingOptions& options);

// The formula with the model's dense parameters, the memory model with all its parameters.
Result<TrainingEstimate> estimate_training(const TrainingCounts& counts,
                                           const TrainingOptions& options);

}  // namespace batchtune

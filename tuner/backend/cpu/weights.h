// The weights of a model in the layouts of its kernels: generated or from a file, packed once,
// read-only afterwards and shared by all programs.
#pragma once

#include <optional>
#include <vector>

#include "kernels/arena.h"
#include "kernels/conv/conv.h"
#include "tuner/backend/cpu/account.h"
#include "tuner/backend/cpu/kernel_choice.h"
#include "tuner/workload/weight_values.h"

namespace batchtune::cpu {

// Of one operation; what it does not have is empty.
struct OpWeights {
  Charge packed_charge;
  std::optional<kernels::PackedWeights> matrix;  // matmul
  std::optional<kernels::PackedConv> conv;       // conv2d
  AccountedBuffer bias;                          // f32 [N]: matmul, conv2d, layer norm
  AccountedBuffer gain;                          // f32 [N]: norms
  AccountedBuffer table;  // embedding: all tables' rows, in the model's dtype
};

struct LoadContext {
  const Model& model;
  kernels::Dtype dtype;
  WeightValues& values;
  const KernelChoice& kernels;
  Account& account;
  kernels::Team& team;
};

// One entry per operation.
Outcome<std::vector<OpWeights>> load_weights(const LoadContext& context);

// The shape that kernels know for a conv2d of the model.
kernels::ConvShape conv_shape_of(const Model& model, const Op& op);

}  // namespace batchtune::cpu

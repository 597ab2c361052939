#include "tuner/estimate/training.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "tuner/estimate/figures.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

using Figures = std::initializer_list<std::pair<const char*, double>>;

Status check_positive(Figures figures) {
  for (const auto& [name, value] : figures)
    if (!(value > 0) || !std::isfinite(value))
      return bad_input("a positive figure for " + std::string(name), std::to_string(value),
                       "training estimate");
  return {};
}

Status check(double parameters, const TrainingOptions& options) {
  BT_TRY_VOID(check_positive(
      {{"parameters", parameters},
       {"tensor parallelism (--tp)", static_cast<double>(options.tensor_parallel)},
       {"pipeline parallelism (--pp)", static_cast<double>(options.pipeline_parallel)},
       {"cores that share the optimizer state", static_cast<double>(options.optimizer_shards)},
       {"state bytes per parameter (--state-bytes)", options.state_bytes},
       {"bytes per activation", options.activation_bytes}}));
  if (!(options.memory_bytes >= 0) || !std::isfinite(options.memory_bytes))
    return bad_input("a memory of a core of at least 0", std::to_string(options.memory_bytes),
                     "training estimate");
  if (!(options.optimizer_bytes >= 0) || !std::isfinite(options.optimizer_bytes))
    return bad_input("optimizer bytes per parameter of at least 0",
                     std::to_string(options.optimizer_bytes), "--optimizer-bytes");
  return {};
}

// Whether the derivative needs the input: that of the others follows from the output.
bool needs_input(Activation activation) {
  switch (activation) {
    case Activation::gelu:
    case Activation::gelu_erf:
    case Activation::silu:
      return true;
    case Activation::none:
    case Activation::relu:
    case Activation::relu6:
      return false;
  }
  return false;
}

bool needs_input(std::string_view operation) {
  constexpr std::string_view kOthers[] = {"Add", "Clip",    "Div",  "LeakyRelu",
                                          "Relu", "Sigmoid", "Sub", "Tanh"};
  return std::find(std::begin(kOthers), std::end(kOthers), operation) == std::end(kOthers);
}

// Tensors of the operation's size that inference computes in passing and training keeps.
int hidden_tensors(const Op& op) {
  if (op.fused) return needs_input(op.operation) ? 1 : 0;
  const Activation activation = op.epilogue.activation;
  const bool behind_residual =
      op.epilogue.residual_after_activation && activation != Activation::none;
  return (op.folded_batch_norm ? 1 : 0) + (needs_input(activation) || behind_residual ? 1 : 0);
}

}  // namespace

Result<TrainingFormula> training_formula(double dense_parameters, const TrainingOptions& options) {
  BT_TRY_VOID(check(dense_parameters, options));
  BT_TRY_VOID(check_positive({{"memory of a core", options.memory_bytes}}));
  TrainingFormula out;
  out.tensor_parallel = options.tensor_parallel;
  out.pipeline_parallel = options.pipeline_parallel;
  out.memory_bytes = options.memory_bytes;
  out.dense_parameters = dense_parameters;
  out.state_bytes = options.state_bytes;
  out.exact = out.memory_share * out.tensor_parallel * out.pipeline_parallel * out.memory_bytes /
              (dense_parameters * out.state_bytes);
  out.batch = guarded_floor(out.exact);
  return out;
}

TrainingCounts training_counts(const Model& model) {
  const ModelSummary summary = summarise(model);
  TrainingCounts counts{.parameters = summary.parameters,
                        .dense_parameters = summary.dense_parameters,
                        .forward_elements = 0,
                        .kept_elements = 0};
  for (const Op& op : model.ops) {
    const double written = work_of(model, op).output_elements;
    counts.forward_elements += written;
    counts.kept_elements +=
        written + hidden_tensors(op) * static_cast<double>(elements(op.output));
  }
  return counts;
}

Result<TrainingMemory> training_memory(const TrainingCounts& counts,
                                       const TrainingOptions& options) {
  BT_TRY_VOID(check(counts.parameters, options));
  const double ranks = static_cast<double>(options.tensor_parallel) * options.pipeline_parallel;
  const double element = options.activation_bytes / options.tensor_parallel;
  TrainingMemory out;
  out.parameters = counts.parameters;
  out.weight_bytes = counts.parameters * options.state_bytes / 2 / ranks;
  out.gradient_bytes = out.weight_bytes;
  out.optimizer_bytes =
      counts.parameters * options.optimizer_bytes / ranks / options.optimizer_shards;
  out.forward_bytes_per_sample = counts.forward_elements * element;
  out.activation_bytes_per_sample = counts.kept_elements * element;
  out.memory_bytes = options.memory_bytes;
  if (options.memory_bytes == 0) return out;
  out.free_bytes = options.memory_bytes - out.state_bytes();
  // Without activations (no graph) only the state can fail to fit.
  if (out.free_bytes >= 0)
    out.batch = out.activation_bytes_per_sample > 0
                    ? guarded_floor(out.free_bytes / out.activation_bytes_per_sample)
                    : kLargestBatch;
  return out;
}

Result<TrainingEstimate> estimate_training(const TrainingCounts& counts,
                                           const TrainingOptions& options) {
  BT_TRY(formula, training_formula(counts.dense_parameters, options));
  BT_TRY(memory, training_memory(counts, options));
  return TrainingEstimate{.formula = formula, .memory = memory};
}

}  // namespace batchtune

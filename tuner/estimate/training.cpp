#include "tuner/estimate/training.h"

#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include "tuner/estimate/figures.h"

namespace batchtune {
namespace {

Status check(double parameters, const TrainingOptions& options) {
  const std::pair<const char*, double> positive[] = {
      {"parameters", parameters},
      {"memory of a core", options.memory_bytes},
      {"tensor parallelism (--tp)", static_cast<double>(options.tensor_parallel)},
      {"pipeline parallelism (--pp)", static_cast<double>(options.pipeline_parallel)},
      {"state bytes per parameter (--state-bytes)", options.state_bytes},
      {"bytes per activation", options.activation_bytes}};
  for (const auto& [name, value] : positive)
    if (!(value > 0) || !std::isfinite(value))
      return bad_input("a positive figure for " + std::string(name), std::to_string(value),
                       "training estimate");
  if (!(options.optimizer_bytes >= 0) || !std::isfinite(options.optimizer_bytes))
    return bad_input("optimizer bytes per parameter of at least 0",
                     std::to_string(options.optimizer_bytes), "--optimizer-bytes");
  return {};
}

TrainingMemory memory_model(const ModelSummary& model, const TrainingOptions& options) {
  constexpr double kSummaryActivationBytes = 4;  // ModelSummary counts f32
  const double ranks = static_cast<double>(options.tensor_parallel) * options.pipeline_parallel;
  TrainingMemory out;
  out.parameters = model.parameters;
  out.weight_bytes = model.parameters * options.state_bytes / 2 / ranks;
  out.gradient_bytes = out.weight_bytes;
  out.optimizer_bytes = model.parameters * options.optimizer_bytes / ranks;
  out.activation_bytes_per_sample = model.activation_bytes_per_sample / kSummaryActivationBytes *
                                    options.activation_bytes / options.tensor_parallel;
  out.memory_bytes = options.memory_bytes;
  out.free_bytes =
      options.memory_bytes - out.weight_bytes - out.gradient_bytes - out.optimizer_bytes;
  // Without activations (no graph) only the state can fail to fit.
  if (out.free_bytes >= 0)
    out.batch = out.activation_bytes_per_sample > 0
                    ? guarded_floor(out.free_bytes / out.activation_bytes_per_sample)
                    : kLargestBatch;
  return out;
}

}  // namespace

Result<TrainingFormula> training_formula(double dense_parameters, const TrainingOptions& options) {
  BT_TRY_VOID(check(dense_parameters, options));
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

Result<TrainingEstimate> estimate_training(const ModelSummary& model,
                                           const TrainingOptions& options) {
  BT_TRY(formula, training_formula(model.dense_parameters, options));
  return TrainingEstimate{.formula = formula, .memory = memory_model(model, options)};
}

}  // namespace batchtune

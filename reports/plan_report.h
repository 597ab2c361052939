// What `plan` shows: a training job's batch sizes by the batching guide's names, the memory of a core term by term, and
// every way of making the replica batch of micro-batches. JSON: plan.schema.json.
#pragma once

#include <string>

#include "reports/report.h"
#include "tuner/core/training.h"

namespace batchtune {

struct PlanReport {
  ModelSummary model;
  DType dtype = DType::bf16;      // of weights, gradients and activations
  std::string optimizer;          // "adam", or "" where its bytes were given
  std::string optimizer_words;    // what it keeps
  double optimizer_bytes = 0;     // of each parameter
  double state_bytes = 0;         // weight and gradient, of each parameter
  bool sharded = false;           // the optimizer state is spread over the data-parallel ranks
  std::string memory_source;      // "a core of trn1"; "" where the memory is not known
  TrainingPlan plan;
};

std::string text_plan(const PlanReport& report, const TextOptions& options);
std::string json_plan(const PlanReport& report);
std::string csv_plan(const PlanReport& report);    // the splits
std::string quiet_plan(const PlanReport& report);  // the micro-batch alone, or "none"

}  // namespace batchtune

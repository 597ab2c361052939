// batchtune estimate --mode training.
#include <fmt/format.h>

#include <optional>

#include "tuner/cli/command.h"
#include "tuner/cli/estimate_options.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/training_options.h"
#include "tuner/core/units.h"
#include "tuner/estimate/training.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

struct TrainingAnswer {
  std::string subject;        // model, or "a model of given size"
  std::string memory_source;  // whose memory it is
  TrainingFormula formula;
  std::optional<TrainingMemory> memory;  // with a model
};

Result<TrainingOptions> training_options(const EstimateCommandOptions& options,
                                         TrainingAnswer& answer) {
  TrainingOptions training;
  BT_TRY(tp, parse_ranks(options.tensor_parallel, "--tp"));
  BT_TRY(pp, parse_ranks(options.pipeline_parallel, "--pp"));
  BT_TRY(state, parse_bytes_each(options.state_bytes, training.state_bytes, "--state-bytes"));
  BT_TRY(optimizer,
         parse_bytes_each(options.optimizer_bytes, training.optimizer_bytes, "--optimizer-bytes"));
  BT_TRY(memory, memory_of_core(options));
  training.tensor_parallel = tp;
  training.pipeline_parallel = pp;
  training.state_bytes = state;
  training.optimizer_bytes = optimizer;
  training.memory_bytes = memory.bytes;
  answer.memory_source = memory.source;
  return training;
}

void add_bytes(FactSheet& sheet, const char* key, const char* label, double bytes) {
  sheet.facts.push_back({key, label, bytes, bytes < 0 ? "none" : format_bytes(bytes)});
}

FactSheet sheet_of(const TrainingAnswer& answer) {
  const TrainingFormula& formula = answer.formula;
  FactSheet sheet{"estimate",
                  "Training " + answer.subject + " with the memory of " + answer.memory_source,
                  {},
                  ""};
  sheet.facts = {
      {"mode", "mode", std::string("training"), ""},
      {"formula_batch", "formula of the guide", formula.batch,
       fmt::format(
           "floor({} x TP {} x PP {} x {}B / ({} dense parameters x {} bytes)) = floor({}) = {}",
           formula.memory_share, formula.tensor_parallel, formula.pipeline_parallel,
           format_count(formula.memory_bytes), format_count(formula.dense_parameters),
           formula.state_bytes, format_number(formula.exact, 4), formula.batch)},
      {"formula_exact", "before rounding", formula.exact, ""}};
  if (!answer.memory) {
    sheet.conclusion = fmt::format(
        "the guide's formula says {}; it leaves optimizer and activations out", formula.batch);
    return sheet;
  }
  const TrainingMemory& memory = *answer.memory;
  add_bytes(sheet, "memory_bytes", "memory of a core", memory.memory_bytes);
  add_bytes(sheet, "weight_bytes", "weights", memory.weight_bytes);
  add_bytes(sheet, "gradient_bytes", "gradients", memory.gradient_bytes);
  add_bytes(sheet, "optimizer_bytes", "optimizer state", memory.optimizer_bytes);
  add_bytes(sheet, "free_bytes", "left for activations", memory.free_bytes);
  add_bytes(sheet, "forward_bytes_per_sample", "forward tensors per sample",
            memory.forward_bytes_per_sample);
  add_bytes(sheet, "activation_bytes_per_sample", "kept for backward per sample",
            memory.activation_bytes_per_sample);
  sheet.facts.push_back({"memory_batch", "largest micro-batch", memory.batch, ""});
  sheet.conclusion = fmt::format(
      "the guide's formula says {}; with optimizer and activations counted, {}", formula.batch,
      memory.batch > 0 ? fmt::format("a micro-batch of {} fits", memory.batch)
                       : "not even one sample fits");
  return sheet;
}

Result<TrainingAnswer> answer_of(const EstimateCommandOptions& options) {
  TrainingAnswer answer;
  BT_TRY(training, training_options(options, answer));
  if (options.model.empty()) {
    if (options.params.empty())
      return bad_input("a MODEL or --params", "neither", "--mode training");
    BT_TRY(params, parse_count(options.params, "--params"));
    BT_TRY(formula, training_formula(params, training));
    answer.subject = "a model of given size";
    answer.formula = formula;
    return answer;
  }
  BT_TRY(model, load_estimated_model(options));
  BT_TRY(estimate, estimate_training(training_counts(model), training));
  answer.subject = model.name;
  answer.formula = estimate.formula;
  answer.memory = estimate.memory;
  return answer;
}

}  // namespace

Result<int> estimate_for_training(const EstimateCommandOptions& options, Format format) {
  if (format == Format::csv) return bad_input("text or json", "csv", "--format");
  BT_TRY(answer, answer_of(options));
  const FactSheet sheet = sheet_of(answer);
  BT_TRY_VOID(print_result(options.output.quiet     ? fmt::to_string(answer.formula.batch)
                           : format == Format::json ? json_facts(sheet)
                                                    : text_facts(sheet, text_options())));
  return kDone;
}

}  // namespace batchtune

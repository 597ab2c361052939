// batchtune estimate --mode training.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tuner/cli/command.h"
#include "tuner/cli/estimate_options.h"
#include "tuner/cli/report_output.h"
#include "tuner/core/units.h"
#include "tuner/estimate/training.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

struct TrainingAnswer {
  std::string subject;        // model, or "a model of given size"
  std::string memory_source;  // whose memory it is
  TrainingFormula formula;
  std::optional<TrainingMemory> memory;  // with a model
};

Result<double> parse_bytes_each(const std::string& text, double otherwise, const char* option) {
  if (text.empty()) return otherwise;
  return parse_count(text, option);
}

Result<int> parse_ranks(const std::string& text, const char* option) {
  if (text.empty()) return 1;
  BT_TRY(ranks, parse_count(text, option));
  if (ranks < 1 || ranks > 1e6 || ranks != static_cast<int>(ranks))
    return bad_input("a whole number from 1 to 1000000", text, option);
  return static_cast<int>(ranks);
}

Result<TrainingOptions> training_options(const EstimateCommandOptions& options,
                                         TrainingAnswer& answer) {
  TrainingOptions training;
  BT_TRY(tp, parse_ranks(options.tensor_parallel, "--tp"));
  BT_TRY(pp, parse_ranks(options.pipeline_parallel, "--pp"));
  BT_TRY(state, parse_bytes_each(options.state_bytes, training.state_bytes, "--state-bytes"));
  BT_TRY(optimizer,
         parse_bytes_each(options.optimizer_bytes, training.optimizer_bytes, "--optimizer-bytes"));
  training.tensor_parallel = tp;
  training.pipeline_parallel = pp;
  training.state_bytes = state;
  training.optimizer_bytes = optimizer;
  if (!options.memory_limit.empty()) {
    BT_TRY(limit, parse_bytes(options.memory_limit, "--memory-limit"));
    training.memory_bytes = static_cast<double>(limit);
    answer.memory_source = "--memory-limit";
    return training;
  }
  BT_TRY(device, find_any_device(options));
  const DeviceInfo& info = device.figures.device;
  if (!info.memory_bytes)
    return bad_input("the memory of a core", "a device that does not say its memory", info.name,
                     "Give --memory-limit");
  // Cores of a CPU share its memory; an accelerator's have a part each.
  const int cores = device.entry == nullptr ? std::max(1, info.cores) : 1;
  training.memory_bytes = *info.memory_bytes / cores;
  answer.memory_source = cores > 1 ? "a core of " + info.name : info.name;
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
  add_bytes(sheet, "activation_bytes_per_sample", "activations per sample",
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
  BT_TRY(estimate, estimate_training(summarise(model), training));
  answer.subject = model.name;
  answer.formula = estimate.formula;
  answer.memory = estimate.memory;
  return answer;
}

}  // namespace

Result<int> estimate_for_training(const EstimateCommandOptions& options, Format format) {
  if (format == Format::csv) return bad_input("text or json", "csv", "--format");
  if (!options.device.empty() && !options.memory_limit.empty())
    return bad_input("--memory-limit, or the memory of a --device", "both", "",
                     "Leave one of the two out");
  BT_TRY(answer, answer_of(options));
  const FactSheet sheet = sheet_of(answer);
  BT_TRY_VOID(print_result(options.output.quiet     ? fmt::to_string(answer.formula.batch)
                           : format == Format::json ? json_facts(sheet)
                                                    : text_facts(sheet, text_options())));
  return kDone;
}

}  // namespace batchtune

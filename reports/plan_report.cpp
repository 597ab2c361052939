#include "reports/plan_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kPlanSchema = 1;

std::string plan_line(const char* label, const std::string& words, int width) {
  constexpr int kLabel = 15;  // "optimizer state"
  return text::wrapped(fmt::format("  {:<{}}  ", label, kLabel), words, width);
}

std::string ranks_words(const TrainingPlan& plan) {
  return fmt::format("{} data-parallel x TP {} x PP {}", plan.data_parallel, plan.tensor_parallel,
                     plan.pipeline_parallel);
}

std::string worker_words(const TrainingPlan& plan) {
  if (plan.workers == plan.data_parallel)
    return fmt::format("{} ({}, a replica each)", plan.worker_batch, text::counted(plan.workers, "worker"));
  if (plan.workers < plan.data_parallel)
    return fmt::format("{} ({}, {} replicas each)", plan.worker_batch, text::counted(plan.workers, "worker"),
                       plan.data_parallel / plan.workers);
  return fmt::format("{} ({}, {} to a replica, all of which see its samples)", plan.worker_batch,
                     text::counted(plan.workers, "worker"), plan.workers / plan.data_parallel);
}

// The guide's names and what each is here.
std::string names_text(const TrainingPlan& plan, int width) {
  std::string text = plan_line("global batch",
                          fmt::format("{} = {} x {}", plan.global_batch, plan.replica_batch,
                                      text::counted(plan.data_parallel, "replica")),
                          width);
  const auto& chosen = plan.chosen;
  text += plan_line("replica batch",
               chosen ? fmt::format("{} = {} x {} (mini-batch)", plan.replica_batch, chosen->size,
                                    text::counted(chosen->steps, "accumulation step"))
                      : fmt::format("{} (mini-batch)", plan.replica_batch),
               width);
  text += plan_line("worker batch", worker_words(plan), width);
  text += plan_line("micro-batch", chosen ? fmt::to_string(chosen->size) : std::string(text::kAbsent), width);
  return text + plan_line("cores", fmt::format("{} = {}", plan.cores(), ranks_words(plan)), width);
}

std::string share_words(const TrainingPlan& plan) {
  const std::int64_t ranks = std::int64_t{plan.tensor_parallel} * plan.pipeline_parallel;
  return ranks > 1 ? fmt::format(" over {} cores", ranks) : "";
}

std::string plan_memory_text(const PlanReport& report, int width) {
  const TrainingMemory& memory = report.plan.memory;
  const auto each = [&](double bytes) {
    return fmt::format(" = {} parameters x {:g} bytes{}", format_count(memory.parameters), bytes,
                       share_words(report.plan));
  };
  std::string text = memory.memory_bytes > 0
                         ? fmt::format("Memory of a core: {} ({})\n", format_bytes(memory.memory_bytes),
                                       report.memory_source)
                         : "Memory of a core: not known; --device or --memory-limit says it\n";
  text += plan_line("weights", format_bytes(memory.weight_bytes) + each(report.state_bytes / 2), width);
  text += plan_line("gradients", format_bytes(memory.gradient_bytes) + each(report.state_bytes / 2), width);
  std::string optimizer = format_bytes(memory.optimizer_bytes) + each(report.optimizer_bytes);
  if (report.sharded)
    optimizer += fmt::format(", shared by {}", text::counted(report.plan.data_parallel, "replica"));
  if (!report.optimizer_words.empty()) optimizer += ": " + report.optimizer_words;
  text += plan_line("optimizer state", optimizer, width);
  text += plan_line("activations",
               fmt::format("{} a sample, kept for the backward pass (of the forward pass alone {})",
                           format_bytes(memory.activation_bytes_per_sample),
                           format_bytes(memory.forward_bytes_per_sample)),
               width);
  if (memory.memory_bytes == 0) return text;
  text += plan_line("left for them",
               memory.free_bytes < 0 ? std::string("none") : format_bytes(memory.free_bytes), width);
  text += plan_line("largest", fmt::format("micro-batch {}", memory.batch), width);
  if (report.plan.formula)
    text += plan_line("guide's formula",
                 fmt::format("{} (optimizer and activations left out)", report.plan.formula->batch),
                 width);
  return text;
}

// Those around the chosen one: a global batch of a million has fifty.
std::vector<MicroBatch> shown_splits(const TrainingPlan& plan) {
  constexpr std::ptrdiff_t kAbove = 2, kRows = 12;
  const auto& all = plan.splits;
  const auto size = static_cast<std::ptrdiff_t>(all.size());
  if (size <= kRows) return all;
  const auto middle = std::find_if(all.begin(), all.end(), [&](const MicroBatch& split) {
    return plan.chosen ? split.size == plan.chosen->size : split.fits;
  });
  const auto first = std::clamp<std::ptrdiff_t>(middle - all.begin() - kAbove, 0, size - kRows);
  return {all.begin() + first, all.begin() + first + kRows};
}

std::string splits_table(const TrainingPlan& plan, int width) {
  const std::vector<MicroBatch> shown = shown_splits(plan);
  const text::Unit unit = text::memory_unit(plan.splits.back().bytes);
  text::Column mark{"", "", true, 0, {}}, micro{"", "micro-batch", false, 0, {}},
      steps{"", "steps", false, 0, {}}, memory{"", "memory, " + unit.name, false, 0, {}},
      idle{"", "idle", false, 1, {}}, note{"", "", true, 0, {}};
  for (const MicroBatch& split : shown) {
    const bool chosen = plan.chosen && split.size == plan.chosen->size;
    mark.cells.push_back(chosen ? ">" : "");
    micro.cells.push_back(fmt::to_string(split.size));
    steps.cells.push_back(fmt::to_string(split.steps));
    memory.cells.push_back(text::figure(split.bytes / unit.size));
    idle.cells.push_back(format_percent(split.idle));
    note.cells.push_back(split.fits ? "" : "does not fit");
  }
  std::vector<text::Column> columns{mark, micro, steps, memory};
  if (plan.pipeline_parallel > 1) columns.push_back(idle);
  columns.push_back(note);
  std::string text = text::format_table(std::move(columns), width);
  const std::size_t hidden = plan.splits.size() - shown.size();
  if (hidden > 0) text += fmt::format("and {} more (--format json has all)\n", hidden);
  return text;
}

std::string lines_after(const TrainingPlan& plan, int width) {
  std::string text;
  for (const TrainingLever& lever : plan.levers)
    text += text::wrapped("would fit: ", fmt::format("{}: micro-batch {}", lever.what, lever.micro_batch),
                          width);
  for (const NearbyBatch& near : plan.nearby)
    text += text::wrapped("nearby: ",
                          fmt::format("global batch {} would have micro-batch {} and {}", near.global_batch,
                                      near.micro.size, text::counted(near.micro.steps, "step")),
                          width);
  return text;
}

std::string plan_sentence(const TrainingPlan& plan) {
  if (plan.chosen)
    return fmt::format("micro-batch {} with {} on each of {}: {}", plan.chosen->size,
                       text::counted(plan.chosen->steps, "accumulation step"),
                       text::counted(plan.data_parallel, "replica"), plan.reason);
  if (plan.nothing_fits()) return "nothing fits: " + plan.reason;
  return fmt::format("replica batch {}: {}", plan.replica_batch, plan.reason);
}

json::Json micro_of(const MicroBatch& micro) {
  return {{"micro_batch", micro.size},
          {"steps", micro.steps},
          {"bytes", json::number(micro.bytes)},
          {"idle", json::number(micro.idle)},
          {"fits", micro.fits}};
}

json::Json formula_of(const std::optional<TrainingFormula>& formula) {
  if (!formula) return nullptr;
  return {{"batch", formula->batch},
          {"exact", json::number(formula->exact)},
          {"memory_share", json::number(formula->memory_share)},
          {"dense_parameters", json::number(formula->dense_parameters)},
          {"state_bytes", json::number(formula->state_bytes)}};
}

json::Json plan_memory(const PlanReport& report) {
  const TrainingMemory& memory = report.plan.memory;
  const bool known = memory.memory_bytes > 0;
  const auto if_known = [&](double value) { return known ? json::number(value) : json::Json(nullptr); };
  return {{"source", known ? json::Json(report.memory_source) : json::Json(nullptr)},
          {"total", if_known(memory.memory_bytes)},
          {"weights", json::number(memory.weight_bytes)},
          {"gradients", json::number(memory.gradient_bytes)},
          {"optimizer", json::number(memory.optimizer_bytes)},
          {"free", if_known(memory.free_bytes)},
          {"activations_per_sample", json::number(memory.activation_bytes_per_sample)},
          {"forward_per_sample", json::number(memory.forward_bytes_per_sample)},
          {"largest_micro_batch", known ? json::Json(memory.batch) : json::Json(nullptr)}};
}

}  // namespace

std::string text_plan(const PlanReport& report, const TextOptions& options) {
  const TrainingPlan& plan = report.plan;
  const std::string optimizer =
      report.optimizer.empty() ? fmt::format("an optimizer of {:g} bytes per parameter", report.optimizer_bytes)
                               : report.optimizer;
  std::string text = text::wrapped(
      "", fmt::format("Training {} in {} with {}", report.model.name, name_of(report.dtype), optimizer),
      options.width);
  text += names_text(plan, options.width) + "\n" + plan_memory_text(report, options.width) + "\n";
  text += splits_table(plan, options.width) + lines_after(plan, options.width);
  std::string sentence = text::wrapped("=> ", plan_sentence(plan), options.width);
  sentence.pop_back();
  return text + "\n" + text::bold(sentence, options.color) + "\n";
}

std::string json_plan(const PlanReport& report) {
  const TrainingPlan& plan = report.plan;
  json::Json splits = json::Json::array(), levers = json::Json::array(),
             nearby = json::Json::array();
  for (const MicroBatch& split : plan.splits) splits.push_back(micro_of(split));
  for (const TrainingLever& lever : plan.levers)
    levers.push_back({{"what", lever.what}, {"micro_batch", lever.micro_batch}});
  for (const NearbyBatch& near : plan.nearby)
    nearby.push_back({{"global_batch", near.global_batch}, {"split", micro_of(near.micro)}});
  return json::document(
      {{"schema_version", kPlanSchema},
       {"command", "plan"},
       {"model", json::model(report.model)},
       {"dtype", name_of(report.dtype)},
       {"optimizer",
        {{"name", report.optimizer.empty() ? json::Json(nullptr) : json::Json(report.optimizer)},
         {"bytes_per_parameter", json::number(report.optimizer_bytes)},
         {"sharded", report.sharded}}},
       {"batches",
        {{"global", plan.global_batch}, {"replica", plan.replica_batch}, {"worker", plan.worker_batch}}},
       {"ranks",
        {{"data_parallel", plan.data_parallel},
         {"tensor_parallel", plan.tensor_parallel},
         {"pipeline_parallel", plan.pipeline_parallel},
         {"workers", plan.workers},
         {"cores", plan.cores()}}},
       {"memory", plan_memory(report)},
       {"formula", formula_of(plan.formula)},
       {"splits", splits},
       {"chosen", plan.chosen ? micro_of(*plan.chosen) : json::Json(nullptr)},
       {"reason", plan.reason},
       {"levers", levers},
       {"nearby", nearby}});
}

std::string csv_plan(const PlanReport& report) {
  std::string text = "micro_batch,steps,bytes,idle,fits,chosen\n";
  for (const MicroBatch& split : report.plan.splits) {
    const bool chosen = report.plan.chosen && report.plan.chosen->size == split.size;
    text += fmt::format("{},{},{},{},{},{}\n", split.size, split.steps,
                        std::isfinite(split.bytes) ? fmt::to_string(split.bytes) : std::string(),
                        split.idle, split.fits, chosen);
  }
  return text;
}

std::string quiet_plan(const PlanReport& report) {
  return report.plan.chosen ? fmt::format("{}\n", report.plan.chosen->size) : "none\n";
}

}  // namespace batchtune

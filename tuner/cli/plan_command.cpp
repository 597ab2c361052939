// batchtune plan: a training job's batch sizes, from the global batch down to the micro-batch that a core has memory
// for. Nothing is measured.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "reports/plan_report.h"
#include "tuner/cli/command.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/training_options.h"
#include "tuner/core/units.h"
#include "tuner/deploy/plan.h"
#include "tuner/estimate/optimizers.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

struct PlanOptions {
  EstimateCommandOptions job;  // model, device or memory, dtype, parallelism, bytes: as for an estimate of training
  std::string global_batch, data_parallel, workers, optimizer;
  bool shard_optimizer = false;
};

Result<std::int64_t> parse_global_batch(const std::string& text) {
  BT_TRY(count, parse_count(text, "--global-batch"));
  const auto whole = static_cast<std::int64_t>(std::min(count, 1e18));
  if (static_cast<double>(whole) != count)
    return bad_input("a whole number of samples", "'" + text + "'", "--global-batch");
  return whole;  // how many there may be is the plan's to say
}

Result<DType> parse_training_dtype(const std::string& text) {
  if (text.empty()) return DType::bf16;
  const auto dtype = parse_dtype(text);
  if (!dtype || *dtype == DType::fp8 || *dtype == DType::int8)
    return bad_input("a data type that is trained in: f32, tf32, bf16, f16", "'" + text + "'",
                     "--dtype");
  return *dtype;
}

// Bytes of optimizer, weights and gradients: by name, or as given.
Status read_state(const PlanOptions& options, PlanReport& report) {
  const EstimateCommandOptions& job = options.job;
  if (!job.optimizer_bytes.empty() && !options.optimizer.empty())
    return bad_input("--optimizer, or its bytes", "both", "--optimizer-bytes",
                     "Leave one of the two out");
  BT_TRY(dtype, parse_training_dtype(job.dtype));
  report.dtype = dtype;
  BT_TRY(state, parse_bytes_each(job.state_bytes, 2.0 * static_cast<double>(size_of(dtype)),
                                 "--state-bytes"));
  report.state_bytes = state;
  if (!job.optimizer_bytes.empty()) {
    BT_TRY(bytes, parse_bytes_each(job.optimizer_bytes, 0, "--optimizer-bytes"));
    report.optimizer_bytes = bytes;
    return {};
  }
  BT_TRY(optimizer, find_optimizer(options.optimizer.empty() ? "adam" : options.optimizer));
  report.optimizer = optimizer.name;
  report.optimizer_bytes = bytes_per_parameter(optimizer, dtype);
  report.optimizer_words = optimizer.description;
  const bool beside = report.optimizer_bytes > optimizer.moment_bytes;
  if (beside) report.optimizer_words += ", f32 weights beside";
  return {};
}

Result<PlanRequest> plan_request(const PlanOptions& options, PlanReport& report) {
  PlanRequest request;
  BT_TRY(global, parse_global_batch(options.global_batch));
  BT_TRY(ranks, parse_ranks(options.data_parallel, "--data-parallel"));
  BT_TRY(workers, parse_ranks(options.workers, "--workers", 0));
  BT_TRY(tp, parse_ranks(options.job.tensor_parallel, "--tp"));
  BT_TRY(pp, parse_ranks(options.job.pipeline_parallel, "--pp"));
  BT_TRY_VOID(read_state(options, report));
  request.global_batch = global;
  request.data_parallel = ranks;
  request.workers = workers;
  report.sharded = options.shard_optimizer;
  request.training = {.memory_bytes = 0,
                      .tensor_parallel = tp,
                      .pipeline_parallel = pp,
                      .state_bytes = report.state_bytes,
                      .optimizer_bytes = report.optimizer_bytes,
                      .optimizer_shards = report.sharded ? ranks : 1,
                      .activation_bytes = static_cast<double>(size_of(report.dtype))};
  if (options.job.device.empty() && options.job.memory_limit.empty()) return request;
  BT_TRY(memory, memory_of_core(options.job));
  request.training.memory_bytes = memory.bytes;
  report.memory_source = memory.source;
  return request;
}

Result<int> run_plan(const PlanOptions& options) {
  BT_TRY(format, parse_format(options.job.output));
  PlanReport report;
  BT_TRY(name, with_model_options(options.job.model, options.job.model_options));
  BT_TRY(model, load_model(name));
  BT_TRY_VOID(check_operations_known(model, "plan its training"));
  BT_TRY(request, plan_request(options, report));
  BT_TRY(plan, plan_training(training_counts(model), request));
  report.model = summarise(model);
  report.plan = std::move(plan);
  BT_TRY_VOID(print_result(options.job.output.quiet  ? quiet_plan(report)
                           : format == Format::json ? json_plan(report)
                           : format == Format::csv  ? csv_plan(report)
                                                    : text_plan(report, text_options())));
  return report.plan.nothing_fits() ? kFinding : kDone;
}

}  // namespace

void add_plan_command(Arguments& arguments) {
  auto options = std::make_shared<PlanOptions>();
  EstimateCommandOptions& job = options->job;
  arguments.required("MODEL", job.model, "zoo name, .onnx or .json file");
  add_model_options(arguments, job.model_options);
  arguments.required("--global-batch", options->global_batch,
                     "samples for each update of the weights");
  arguments.value("--data-parallel", options->data_parallel, "replicas of the model (default 1)");
  arguments.value("--workers", options->workers,
                  "nodes that the replicas run on (default: one for each)");
  arguments.value("--tp", job.tensor_parallel, "tensor-parallel rank: cores that share each layer");
  arguments.value("--pp", job.pipeline_parallel, "pipeline-parallel rank: stages of the model");
  arguments.value("--device", job.device,
                  "whose memory a core has: name (batchtune list devices), .json device file, or cpu");
  arguments.value("--memory-limit", job.memory_limit, "memory of a core instead, such as 16GiB");
  arguments.value("--dtype", job.dtype, "of weights, gradients and activations (default bf16)");
  arguments.value("--optimizer", options->optimizer,
                  "adam (the default), adam-bf16, momentum or sgd");
  arguments.value("--optimizer-bytes", job.optimizer_bytes,
                  "of another optimizer, for each parameter");
  arguments.value("--state-bytes", job.state_bytes,
                  "of weight and gradient, for each parameter (default: two of the data type)");
  arguments.flag("--shard-optimizer", options->shard_optimizer,
                 "spread the optimizer's state over the replicas (ZeRO stage 1)");
  add_database_option(arguments, job.database);
  add_output_options(arguments, job.output);
  arguments.run([options] { return run_plan(*options); });
}

}  // namespace batchtune

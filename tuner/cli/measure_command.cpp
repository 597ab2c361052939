// batchtune measure MODEL --batches LIST: these batches, in the same rounds as tune, without a
// search; or user batches in runs of a compiled one (--compiled-batch).
#include <algorithm>
#include <memory>
#include <utility>

#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/layers.h"
#include "tuner/cli/model_source.h"
#include "tuner/cli/record.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/runtimes.h"
#include "tuner/cli/session_plan.h"
#include "tuner/cli/session_run.h"
#include "tuner/cli/user_batches.h"

namespace batchtune {
namespace {

struct MeasureOptions {
  std::string model;
  ModelOptions model_options;
  TuningOptions tuning;
  LayersOptions layers;
  std::string record;  // FILE of --record
  std::string database;
  OutputOptions output;
  bool silent = false;  // no progress; there is no single batch that could be printed alone
};

// What is measured: batches, or user batches in runs of a compiled one.
Status check_batches(const MeasureOptions& options) {
  const TuningOptions& tuning = options.tuning;
  const bool splits = !tuning.compiled_batch.empty();
  if (tuning.batches.empty() && !splits && tuning.user_batch.empty() && tuning.user_batches.empty())
    return bad_input("--batches, or --compiled-batch with --user-batches", "neither: --batches is required", "measure");
  if (!tuning.user_batches.empty() && !splits)
    return bad_input("--compiled-batch with --user-batches", "none", "--user-batches",
                     "Say what is compiled: --compiled-batch 4");
  if (splits && options.layers.wanted)
    return bad_input("--batches with --layers", "--compiled-batch", "--layers",
                     "A user's batch has the layers of the compiled batch, run by run");
  if (splits && !options.record.empty())
    return bad_input("--batches with --record", "--compiled-batch", "--record",
                     "Replay searches batches that are compiled as they are");
  return {};
}

Result<int> run_measure(const MeasureOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY_VOID(check_batches(options));
  BT_TRY(request, parse_tuning(options.tuning));
  // What is measured was asked for, one by one.
  if (request.instances.empty() && !request.auto_instances) request.instances = {1};
  BT_TRY(name, with_model_options(options.model, options.model_options));
  BT_TRY(model, load_measured_model(name, request, options.silent));
  BT_TRY_VOID(default_to_runtimes(model, request, options.silent));
  BT_TRY_VOID(check_readers(model, request));
  BT_TRY_VOID(check_record(options.record, "exhaustive", {}));
  BT_TRY_VOID(check_layers(options.layers, format));
  BT_TRY(store, open_database(options.database));
  BT_TRY(devices, open_devices(request, *store, options.silent));
  SessionRecord record;
  BT_TRY(header, make_header(request, model, devices, *store, "measure"));
  record.header = std::move(header);
  BT_TRY(plan, make_plan(request, model, record.header, *store));
  const auto strategy = make_strategy(record.header, plan.problem);
  BT_TRY(number, store->begin_session(record.header));
  record.header.number = number;
  BT_TRY(report,
         run_session(*store, std::move(record), *strategy, std::move(plan), options.silent));
  BT_TRY(layers, profile_layers(options.layers, request, model, report, *store, options.silent));
  report.layers = std::move(layers);
  if (format == Format::text)
    BT_TRY_VOID(print_text(report, false));
  else
    BT_TRY_VOID(print_documents({report}, format));
  return record_after_report(options.record, report, exit_code(report), options.silent);
}

}  // namespace

void add_measure_command(Arguments& arguments) {
  auto options = std::make_shared<MeasureOptions>();
  arguments.required("MODEL", options->model,
                     "zoo name, .onnx, .json, .ort or .xml file, or a name for --backend command");
  add_model_options(arguments, options->model_options);
  arguments.value("--batches", options->tuning.batches, "1,8,32 or 1:64 or 1:64:x2");
  add_split_options(arguments, options->tuning);
  add_device_options(arguments, options->tuning);
  arguments.repeated("--latency-limit", options->tuning.latency_limits,
                     "METRIC=TIME, such as p99=20ms (METRIC: p50, p90, p95, p99, p99.9 or max); "
                     "may be repeated. Exit code: 0 if a measured batch keeps all, 3 if none does "
                     "and for some it is only unproven, else 1");
  arguments.value("--memory-limit", options->tuning.memory_limit, "such as 2GiB");
  arguments.value("--precision", options->tuning.precision,
                  "half width of an interval that is narrow enough (default 1%)");
  arguments.value("--stop", options->tuning.stop, "rule (batchtune list rules)");
  add_measuring_options(arguments, options->tuning);
  add_layers_option(arguments, options->layers);
  arguments.value("--record", options->record,
                  "write every batch with its samples to this file, for batchtune replay");
  add_database_option(arguments, options->database);
  add_format_option(arguments, options->output);
  arguments.flag("-q,--quiet", options->silent, "no progress");
  arguments.run([options] { return run_measure(*options); });
}

}  // namespace batchtune

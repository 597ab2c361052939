// batchtune measure MODEL --batches LIST: these batches, in the same rounds as tune, without a
// search.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/session_plan.h"
#include "tuner/cli/session_run.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

struct MeasureOptions {
  std::string model;
  TuningOptions tuning;
  std::string database;
  OutputOptions output;
};

Result<int> run_measure(const MeasureOptions& options) {
  BT_TRY(format, parse_format(options.output));
  if (options.output.quiet)
    return bad_input("a report", "--quiet, which prints the recommended batch", "--quiet",
                     "measure recommends none: leave it out");
  BT_TRY(request, parse_tuning(options.tuning));
  BT_TRY(model, load_model(options.model));
  BT_TRY(store, open_database(options.database));
  BT_TRY(devices, open_devices(request, *store, false));
  SessionRecord record;
  BT_TRY(header, make_header(request, model, devices, *store, "measure"));
  record.header = std::move(header);
  BT_TRY(plan, make_plan(request, model, record.header, *store));
  const auto strategy = make_strategy(record.header, plan.problem);
  BT_TRY(number, store->begin_session(record.header));
  record.header.number = number;
  BT_TRY(report, run_session(*store, std::move(record), *strategy, std::move(plan), false));
  if (format == Format::text)
    BT_TRY_VOID(print_text(report, false));
  else
    BT_TRY_VOID(print_documents({report}, format));
  return exit_code(report);
}

}  // namespace

void add_measure_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<MeasureOptions>();
  app.add_option("MODEL", options->model, "zoo name or .json file")->required();
  app.add_option("--batches", options->tuning.batches, "1,8,32 or 1:64 or 1:64:x2")->required();
  add_device_options(app, options->tuning);
  app.add_option("--latency-limit", options->tuning.latency_limits,
                 "judged in the report; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--memory-limit", options->tuning.memory_limit, "such as 2GiB");
  app.add_option("--boundary", options->tuning.boundary,
                 "where memory ends: predicted, probed or none");
  app.add_option("--budget", options->tuning.budget, "seconds that runs may take (default 60s)");
  app.add_option("--probe-budget", options->tuning.probe_budget,
                 "seconds for memory probes (default 60s)");
  add_measuring_options(app, options->tuning);
  add_database_option(app, options->database);
  add_output_options(app, options->output);
  app.callback(
      [options, &invocation] { invocation.run = [options] { return run_measure(*options); }; });
}

}  // namespace batchtune

// batchtune tune MODEL...: the straight line. Load the model, open the device, estimate, search
// (which measures), append each round to the store as it happens, write the report.
#include <algorithm>
#include <memory>
#include <utility>

#include "reports/report.h"
#include "storage/store.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/record.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/resume.h"
#include "tuner/cli/session_plan.h"
#include "tuner/cli/session_run.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

struct TuneOptions {
  std::vector<std::string> models;
  TuningOptions tuning;
  std::string resume;
  bool resumes = false;
  std::string record;  // FILE of --record
  std::string database;
  OutputOptions output;
};

// A session and the request that it answers.
struct Session {
  TuningRequest request;
  SessionRecord record;
};

Result<Session> start_session(const TuningRequest& request, const Model& model, Store& store,
                              bool quiet) {
  BT_TRY(devices, open_devices(request, store, quiet));
  Session session{request, {}};
  BT_TRY(header, make_header(request, model, devices, store, "tune"));
  session.record.header = std::move(header);
  BT_TRY(number, store.begin_session(session.record.header));
  session.record.header.number = number;
  return session;
}

Result<Session> resume_session(const std::string& which, const TuningRequest& now,
                               const Model& model, Store& store) {
  BT_TRY(record, find_resumable(store, which, model));
  BT_TRY_VOID(check_resumable(record.header, now, model));
  BT_TRY(request, parse_tuning(options_from(record.header.settings.requested)));
  BT_TRY_VOID(store.reopen_session(record));
  return Session{std::move(request), std::move(record)};
}

Result<TuneReport> tune_model(const TuneOptions& options, const TuningRequest& request,
                              const Model& model, Store& store) {
  const bool quiet = options.output.quiet;
  BT_TRY(session, options.resumes ? resume_session(options.resume, request, model, store)
                                  : start_session(request, model, store, quiet));
  BT_TRY(plan, make_plan(session.request, model, session.record.header, store));
  const std::unique_ptr<Strategy> strategy = make_strategy(session.record.header, plan.problem);
  return run_session(store, std::move(session.record), *strategy, std::move(plan), quiet);
}

Result<int> run_tune(const TuneOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY(request, parse_tuning(options.tuning));
  std::vector<Model> models;
  for (const std::string& name : options.models) {
    BT_TRY(model, load_model(name));
    models.push_back(std::move(model));
  }
  if (options.resumes && models.size() > 1)
    return bad_input("one model with --resume", std::to_string(models.size()), "--resume");
  if (models.size() > 1 && !options.record.empty())
    return bad_input("one model with --record", std::to_string(models.size()), "--record");
  BT_TRY_VOID(check_record(options.record, strategy_of(request)));
  BT_TRY(store, open_database(options.database));
  std::vector<TuneReport> reports;
  int code = kDone;
  for (const Model& model : models) {
    BT_TRY(report, tune_model(options, request, model, *store));
    code = worse(code, exit_code(report));
    const bool interrupted = interrupting_signal() != 0;
    if (format == Format::text) BT_TRY_VOID(print_text(report, options.output.quiet));
    reports.push_back(std::move(report));
    if (interrupted) break;
  }
  if (format != Format::text) BT_TRY_VOID(print_documents(reports, format, models.size() > 1));
  return record_after_report(options.record, reports.back(), code, options.output.quiet);
}

}  // namespace

void add_tune_command(Arguments& arguments) {
  auto options = std::make_shared<TuneOptions>();
  arguments.several("MODEL", options->models, "zoo names (batchtune list models) or .json files");
  add_device_options(arguments, options->tuning);
  arguments.value("--batches", options->tuning.batches,
                  "allowed: 1,8,32 or 1:64 or 1:64:x2 (default: all)");
  add_wish_options(arguments, options->tuning);
  arguments.value("--strategy", options->tuning.strategy,
                  "of the search (batchtune list strategies)");
  arguments.value("--max-batches", options->tuning.max_batches,
                  "batches that are prepared at most (default: no such limit)");
  arguments.value("--soak", options->tuning.soak,
                  "sustained load of the recommended batch, 0s for none (default: a tenth of "
                  "--budget)");
  add_measuring_options(arguments, options->tuning);
  arguments.optional_value("--resume", options->resumes, options->resume,
                           "go on with SESSION (default: the last unended one of the model)");
  arguments.value("--record", options->record,
                  "write every batch with its samples to this file, for batchtune replay (with "
                  "--strategy exhaustive)");
  add_database_option(arguments, options->database);
  add_output_options(arguments, options->output);
  arguments.run([options] { return run_tune(*options); });
}

}  // namespace batchtune

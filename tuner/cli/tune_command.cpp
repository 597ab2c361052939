// batchtune tune MODEL...: the straight line. Load the model, open the device, estimate, search
// (which measures), append each round to the store as it happens, write the report.
#include "tuner/cli/tune_command.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "tuner/cli/command.h"
#include "tuner/cli/compile_limits.h"
#include "tuner/cli/database.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/follow_session.h"
#include "tuner/cli/layers.h"
#include "tuner/cli/model_source.h"
#include "tuner/cli/record.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/resume.h"
#include "tuner/cli/runtimes.h"
#include "tuner/cli/session_plan.h"
#include "tuner/cli/session_run.h"
#include "tuner/cli/several_models.h"
#include "tuner/cli/user_batches.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

struct TuneOptions {
  std::vector<std::string> models;
  std::string file;
  ModelOptions model_options;  // of each of them
  TuningOptions tuning;
  std::string resume, extend, track;
  bool resumes = false;
  LayersOptions layers;
  std::string record;  // FILE of --record
  std::string database;
  OutputOptions output;
};

// A session and the request that it answers.
struct Session {
  TuningRequest request;
  SessionRecord record;
};

void name_origins(const std::map<std::string, std::string>& origins, Settings& settings) {
  for (std::vector<Setting>* all : {&settings.requested, &settings.effective})
    for (Setting& setting : *all)
      if (const auto found = origins.find(setting.name); found != origins.end())
        setting.origin = found->second;
}

Result<Session> start_session(const TuneTask& task, Store& store, bool quiet) {
  BT_TRY(devices, open_devices(task.request, store, quiet));
  Session session{task.request, {}};
  BT_TRY(made, make_header(task.request, task.model, devices, store, "tune"));
  SessionHeader& header = session.record.header;
  header = std::move(made);
  name_origins(task.origins, header.settings);
  std::vector<Setting>& requested = header.settings.requested;
  requested.insert(requested.end(), task.links.begin(), task.links.end());
  if (task.before_start) BT_TRY_VOID(task.before_start(header));
  BT_TRY(number, store.begin_session(header));
  header.number = number;
  return session;
}

Result<Session> resume_session(const TuneTask& task, Store& store) {
  const SessionRecord& record = *task.resumed;
  BT_TRY_VOID(check_resumable(record.header, task.request, task.model));
  BT_TRY(request, parse_tuning(options_from(record.header.settings.requested)));
  BT_TRY_VOID(store.reopen_session(record));
  return Session{std::move(request), record};
}

// The sessions that a call names instead of starting afresh: one at most.
Status check_modes(const TuneOptions& options) {
  std::string modes;
  const auto add = [&](bool given, const char* option) {
    if (given) modes += (modes.empty() ? "" : ", ") + std::string(option);
  };
  add(options.resumes, "--resume");
  add(!options.extend.empty(), "--extend");
  add(!options.track.empty(), "--track");
  if (modes.find(',') != std::string::npos)
    return bad_input("one of --resume, --extend and --track", modes, "tune",
                     "Leave the others out");
  const bool several = options.models.size() > 1 || !options.file.empty();
  if (several && !modes.empty() && (modes != "--resume" || !options.resume.empty()))
    return bad_input("one model with " + modes + " SESSION",
                     options.file.empty() ? std::to_string(options.models.size()) : "--file", modes,
                     "--resume alone goes on with the last run of the same models");
  if (!options.models.empty() && !options.file.empty())
    return bad_input("MODEL or --file", "both", "tune", "Leave one of the two out");
  if (options.models.empty() && options.file.empty() && modes.empty())
    return bad_input("a MODEL, several, or --file FILE", "none: MODEL is required", "tune",
                     "batchtune list models has names");
  if (several && !options.record.empty())
    return bad_input("one model with --record", options.file.empty() ? "several" : "--file",
                     "--record", "Tune each model alone, as MODEL, to record it");
  if (several && options.layers.wanted)
    return bad_input("one model with --layers", options.file.empty() ? "several" : "--file",
                     "--layers", "Tune each model alone, as MODEL, to see its layers");
  if (options.model_options.given() && options.models.empty() && options.file.empty())
    return bad_input("a MODEL with --dim and --batch-axis", "none", modes,
                     "Leave them out: the session knows its model");
  return {};
}

Result<std::optional<Model>> given_model(const TuneOptions& options, const TuningRequest& request) {
  if (options.models.empty()) return std::optional<Model>{};
  BT_TRY(model, load_measured_model(options.models.front(), request, options.output.quiet));
  return std::optional<Model>(std::move(model));
}

Result<TuneTask> resumed_task(const TuneOptions& options, const TuningRequest& request,
                              const std::optional<Model>& given, const Store& store) {
  BT_TRY(record, find_resumable(store, options.resume, given));
  BT_TRY(model, given ? Result<Model>(*given) : stored_model(record.header));
  return resuming(std::move(model), request, std::move(record));
}

Result<TuneTask> task_of(const TuneOptions& options, const TuningRequest& request,
                         const std::optional<Model>& model, const Store& store) {
  if (options.resumes) return resumed_task(options, request, model, store);
  if (!options.extend.empty()) return extend_session(store, options.extend, options.tuning, model);
  if (!options.track.empty()) return track_session(store, options.track, options.tuning, model);
  TuneTask task{*model, request, {}, {model_link(options.models.front())}, {}, {}};
  BT_TRY_VOID(default_to_runtimes(*model, task.request, options.output.quiet));
  BT_TRY_VOID(check_readers(*model, task.request));
  return task;
}

Status add_layers(const TuneOptions& options, const TuneTask& task, Store& store,
                  TuneReport& report) {
  if (!options.layers.wanted || options.output.quiet) return {};
  BT_TRY(request, task.resumed ? parse_tuning(options_from(report.record.header.settings.requested))
                               : Result<TuningRequest>(task.request));
  BT_TRY(layers, profile_layers(options.layers, request, task.model, report, store, false));
  report.layers = std::move(layers);
  return {};
}

Result<int> run_tune(TuneOptions options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY_VOID(check_modes(options));
  BT_TRY_VOID(check_layers(options.layers, format));
  BT_TRY(request, parse_tuning(options.tuning));
  for (std::string& model : options.models) {
    BT_TRY(name, with_model_options(model, options.model_options));
    model = std::move(name);
  }
  if (options.models.size() > 1 || !options.file.empty())
    return tune_several({options.models, options.file, options.model_options, options.tuning,
                         options.resumes, options.database, format, options.output.quiet});
  BT_TRY(model, given_model(options, request));
  BT_TRY(store, open_database(options.database));
  BT_TRY(task, task_of(options, request, model, *store));
  BT_TRY_VOID(task.resumed ? check_record(options.record, task.resumed->header.strategy,
                                          task.resumed->header.settings.requested)
                           : check_record(options.record, strategy_of(task.request), task.links));
  BT_TRY(report, tune_model(task, *store, options.output.quiet));
  BT_TRY_VOID(add_layers(options, task, *store, report));
  const int code = exit_code(report);
  if (format == Format::text)
    BT_TRY_VOID(print_text(report, options.output.quiet));
  else
    BT_TRY_VOID(print_documents({report}, format));
  return record_after_report(options.record, report, code, options.output.quiet);
}

}  // namespace

Setting model_link(const std::string& name_or_path) {
  if (!is_model_path(name_or_path)) return {"model", name_or_path, "MODEL"};
  std::error_code ignored;
  const auto whole = std::filesystem::absolute(name_or_path, ignored);
  return {"model", whole.lexically_normal().string(), "MODEL"};
}

TuneTask resuming(Model model, TuningRequest request, SessionRecord record) {
  return {std::move(model), std::move(request), std::move(record), {}, {}, {}};
}

Result<TuneReport> tune_model(const TuneTask& task, Store& store, bool quiet) {
  BT_TRY(session, task.resumed ? resume_session(task, store) : start_session(task, store, quiet));
  BT_TRY(plan, make_plan(session.request, task.model, session.record.header, store));
  const std::unique_ptr<Strategy> strategy = make_strategy(session.record.header, plan.problem);
  return run_session(store, std::move(session.record), *strategy, std::move(plan), quiet);
}

void add_tune_command(Arguments& arguments) {
  auto options = std::make_shared<TuneOptions>();
  arguments.several("MODEL", options->models,
                    "zoo names (batchtune list models), .onnx, .json, .ort or .xml files, or a "
                    "name for --backend command");
  add_model_options(arguments, options->model_options);
  arguments.value("--file", options->file,
                  "models and what is asked of each, as TOML; options given here count for all");
  add_device_options(arguments, options->tuning);
  arguments.value("--batches", options->tuning.batches,
                  "allowed: 1,8,32 or 1:64 or 1:64:x2 (default: all)");
  add_wish_options(arguments, options->tuning);
  add_user_mix_option(arguments, options->tuning);
  arguments.value("--strategy", options->tuning.strategy,
                  "of the search (batchtune list strategies)");
  arguments.value("--max-batches", options->tuning.max_batches,
                  "batches that are prepared at most (default: no such limit)");
  add_max_compiles_option(arguments, options->tuning);
  arguments.value("--soak", options->tuning.soak,
                  "sustained load of the recommended batch, 0s for none (default: a tenth of "
                  "--budget)");
  add_measuring_options(arguments, options->tuning);
  add_layers_option(arguments, options->layers);
  arguments.optional_value("--resume", options->resumes, options->resume,
                           "go on with SESSION (default: the last unended one of the model; of "
                           "several models: with their last run)");
  arguments.value("--extend", options->extend,
                  "a new session that asks the same and leaves out what SESSION has ruled out");
  arguments.value("--track", options->track,
                  "a new session that visits the front, the choice and the neighbours of SESSION");
  arguments.value("--record", options->record,
                  "write every batch with its samples to this file, for batchtune replay (with "
                  "--strategy exhaustive)");
  add_database_option(arguments, options->database);
  add_output_options(arguments, options->output);
  arguments.run([options] { return run_tune(*options); });
}

}  // namespace batchtune

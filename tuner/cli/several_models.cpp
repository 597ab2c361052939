// The budget of all models together is shared evenly among those that are still to come, so what
// one leaves over goes to the next ones.
#include "tuner/cli/several_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "reports/several_report.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/interrupt.h"
#include "tuner/cli/model_run.h"
#include "tuner/cli/models_file.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/runtimes.h"
#include "tuner/cli/session_plan.h"
#include "tuner/cli/session_run.h"
#include "tuner/cli/setting_lists.h"
#include "tuner/cli/timestamp.h"
#include "tuner/cli/tune_command.h"
#include "tuner/core/compiling.h"
#include "tuner/core/units.h"
#include "tuner/search/conclude.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

constexpr Seconds kLeastBudget = 0.001;  // of a model whose turn comes when all is spent

struct Asked {
  std::string name;  // as load_model() takes it
  Model model;
  TuningOptions options;       // without the budget
  std::vector<Setting> given;  // the same as settings
  std::string where;           // in the file; "" where it was typed
};

struct AskedRun {
  std::vector<Asked> models;
  std::string budget;  // as typed, of all models; "" where nothing was given
  bool of_file = false, budget_of_file = false;
};

constexpr std::string_view kOfFile = " of the file";  // ends the origin of what is not typed

tl::unexpected<Error> at_place(Error error, const std::string& where) {
  if (!where.empty()) error.where = where + ", " + error.where;
  return tl::make_unexpected(std::move(error));
}

// What is asked, each by the option or the key of the file that says so.
std::vector<Setting> given_by(const TuningOptions& options, const TuningOptions& typed,
                              bool of_file) {
  std::vector<Setting> given = given_settings(options);
  const std::vector<Setting> by_option = given_settings(typed);
  for (Setting& setting : given)
    if (of_file && std::none_of(by_option.begin(), by_option.end(),
                                [&](const Setting& other) { return other.name == setting.name; }))
      setting.origin = setting.origin.substr(2) + std::string(kOfFile);  // without the dashes
  return given;
}

Result<AskedRun> load_all(const SeveralModels& asked) {
  TuningOptions typed = asked.tuning;
  AskedRun run{{}, std::exchange(typed.budget, ""), !asked.file.empty(), false};
  std::vector<FileModel> models;
  for (const std::string& name : asked.models) models.push_back({name, {}, ""});
  if (run.of_file) {
    BT_TRY(file, read_models_file(asked.file));
    models = std::move(file.models);
    run.budget_of_file = run.budget.empty() && !file.budget.empty();
    if (run.budget_of_file) run.budget = file.budget;
  }
  for (FileModel& one : models) {
    TuningOptions options = options_over(one.options, typed);
    const auto request = parse_tuning(options);
    if (!request) return at_place(request.error(), one.where);
    if (run.of_file) {
      auto name = with_model_options(one.model, asked.model_options);
      if (!name) return at_place(name.error(), one.where);
      one.model = std::move(*name);
    }
    auto model = load_measured_model(one.model, *request, asked.quiet);
    if (!model) return at_place(model.error(), one.where);
    std::vector<Setting> given = given_by(options, typed, run.of_file);
    run.models.push_back(
        {one.model, std::move(*model), std::move(options), std::move(given), one.where});
  }
  return run;
}

Result<Seconds> total_budget(const AskedRun& asked) {
  TuningOptions options;
  options.budget = asked.budget;
  BT_TRY(request, parse_tuning(options));
  return request.budget.value_or(Budget{}.racing * static_cast<double>(asked.models.size()));
}

std::vector<RunEntry> entries_of(const AskedRun& asked) {
  std::vector<RunEntry> entries;
  for (const Asked& one : asked.models)
    entries.push_back({one.model.name, model_hash(one.model), one.given, ""});
  return entries;
}

bool has_ended(const SessionRecord& record) {
  return record.end == SessionEnd::converged || record.end == SessionEnd::budget;
}

Seconds racing_seconds(const SessionRecord& record) {
  Seconds seconds = 0;
  for (const Observation& observation : record.observations)
    if (!std::holds_alternative<Probe>(observation.what))
      seconds += observation.device_time - compile_wait(observation);
  return seconds;
}

// A file says all that is asked, so what it no longer says has changed; what is not typed again has
// not.
std::string changed_since(const ModelRun& run, const AskedRun& asked, Seconds budget) {
  std::vector<std::string> changed;
  const auto add = [&](const std::string& model, const std::string& words) {
    if (!words.empty()) changed.push_back(model + ": " + words);
  };
  for (std::size_t i = 0; i < run.entries.size(); ++i) {
    const Asked& now = asked.models[i];
    add(now.model.name, changed_settings(run.entries[i].asked, now.given));
    if (!asked.of_file) continue;
    std::vector<Setting> then = run.entries[i].asked;
    std::erase_if(then, [](const Setting& one) { return !one.origin.ends_with(kOfFile); });
    add(now.model.name, missing_settings(then, now.given));
  }
  const bool says_budget = !asked.budget.empty() || (asked.of_file && run.budget_of_file);
  if (says_budget && budget != run.budget)
    add("--budget",
        fmt::format("{} then, {} now", format_seconds(run.budget), format_seconds(budget)));
  return fmt::format("{}", fmt::join(changed, "; "));
}

// The last run of these models, as it was asked then.
Result<ModelRun> find_run(const Store& store, const AskedRun& asked) {
  BT_TRY(run, last_run(store, entries_of(asked)));
  if (!run)
    return bad_input("a run of these models, in this order", "none", store.path(),
                     "Leave --resume out to start one");
  BT_TRY(budget, total_budget(asked));
  const std::string changed = changed_since(*run, asked, budget);
  if (!changed.empty())
    return bad_input("the settings of the last run of these models", changed, "--resume",
                     "Start a new run, or ask for the same again");
  bool all_ended = true;
  for (const RunEntry& entry : run->entries) {
    BT_TRY(record, session_of(store, entry));
    all_ended &= record && has_ended(*record);
  }
  if (all_ended)
    return bad_input("a run that has not ended", "the last run of these models, which has",
                     "--resume", "batchtune points shows what it found");
  return std::move(*run);
}

// What has become of the run so far, and of its models.
class Run {
 public:
  Run(ModelRun run, const AskedRun& asked, Store& store, bool quiet)
      : run_(std::move(run)), asked_(asked), store_(store), quiet_(quiet) {
    left_ = run_.budget;
  }

  std::size_t size() const { return run_.entries.size(); }
  Status check() const;  // what is asked of each model
  TunedModel tune(std::size_t index);

 private:
  TuningOptions options_of(std::size_t index) const;
  Result<TuneReport> report_of(std::size_t index);
  Result<TuneTask> task_of(std::size_t index);

  ModelRun run_;
  const AskedRun& asked_;
  Store& store_;
  bool quiet_;
  Seconds left_ = 0;
};

// Of a run that goes on, what was asked then still counts.
TuningOptions Run::options_of(std::size_t index) const {
  return options_over(options_from(run_.entries[index].asked), asked_.models[index].options);
}

Status Run::check() const {
  for (std::size_t i = 0; i < size(); ++i) {
    auto request = parse_tuning(options_of(i));
    const Status checked =
        request ? check_request(*request) : Status(tl::make_unexpected(request.error()));
    if (!checked) return at_place(checked.error(), asked_.models[i].where);
  }
  return {};
}

Result<TuneTask> Run::task_of(std::size_t index) {
  const Asked& asked = asked_.models[index];
  const auto models_left = static_cast<double>(size() - index);
  const Seconds share = std::max(left_ / models_left, kLeastBudget);
  TuningOptions options = options_of(index);
  options.budget = fmt::format("{:.3f}s", share);
  BT_TRY(request, parse_tuning(options));
  if (!quiet_)
    say(fmt::format("model {} of {}: {}, budget {}", index + 1, size(), asked.model.name,
                    format_seconds(share)));
  TuneTask task;
  task.model = asked.model;
  task.request = std::move(request);
  BT_TRY_VOID(default_to_runtimes(task.model, task.request, quiet_));
  BT_TRY_VOID(check_readers(task.model, task.request));
  task.links = {model_link(asked.name)};
  task.origins = {{"budget", fmt::format("a share of {}", format_seconds(run_.budget))}};
  task.before_start = [this, index](const SessionHeader& header) {
    run_.entries[index].session = header.uuid;
    return keep_run(store_, run_);
  };
  return task;
}

// A session that has ended is not measured again.
Result<TuneReport> Run::report_of(std::size_t index) {
  BT_TRY(record, session_of(store_, run_.entries[index]));
  if (record && has_ended(*record)) {
    TuneReport report{std::move(*record), {}};
    report.conclusion = conclude(report.record, report.record.header.wishes);
    return report;
  }
  if (!record) {
    BT_TRY(task, task_of(index));
    return tune_model(task, store_, quiet_);
  }
  BT_TRY(request, parse_tuning(asked_.models[index].options));
  return tune_model(resuming(asked_.models[index].model, std::move(request), std::move(*record)),
                    store_, quiet_);
}

TunedModel Run::tune(std::size_t index) {
  TunedModel tuned;
  tuned.model = run_.entries[index].model;
  auto report = report_of(index);
  if (report)
    tuned.report = std::move(*report);
  else
    tuned.error = report.error();
  const auto record = session_of(store_, run_.entries[index]);  // a failed one has spent too
  if (record && *record) left_ -= racing_seconds(**record);
  return tuned;
}

int code_of(const TunedModel& tuned) {
  return tuned.report ? exit_code(*tuned.report) : exit_code(*tuned.error);
}

Status print_all(const std::vector<TunedModel>& tuned, const SeveralModels& asked) {
  if (asked.format == Format::json) return print_result(json_several(tuned));
  if (asked.format == Format::csv) {
    std::vector<TuneReport> reports;
    for (const TunedModel& one : tuned)
      if (one.report) reports.push_back(*one.report);
    return print_documents(reports, Format::csv);
  }
  return asked.quiet ? Status{} : print_result(text_several(tuned, text_options()));
}

}  // namespace

Result<int> tune_several(const SeveralModels& asked) {
  BT_TRY(models, load_all(asked));
  BT_TRY(budget, total_budget(models));
  BT_TRY(store, open_database(asked.database));
  BT_TRY(begun, asked.resumes ? find_run(*store, models)
                              : Result<ModelRun>({random_uuid(), budget, models.budget_of_file,
                                                  entries_of(models)}));
  Run run(std::move(begun), models, *store, asked.quiet);
  BT_TRY_VOID(run.check());
  std::vector<TunedModel> tuned;
  const InterruptWatch watch;  // between two sessions too: what is finished is still printed
  int code = kDone;
  for (std::size_t i = 0; i < run.size(); ++i) {
    const TunedModel& one = tuned.emplace_back(run.tune(i));
    code = worse(code, code_of(one));
    if (one.error && (asked.format != Format::text || asked.quiet))
      say(one.model + ": " + to_string(*one.error));
    if (asked.format == Format::text)
      BT_TRY_VOID(print_result(asked.quiet ? (one.report ? quiet_report(*one.report) : "none")
                                           : text_one_of_several(one, text_options())));
    const int signal = watch.signal();
    if (signal != 0 && i + 1 < run.size()) {
      code = kInterrupted + signal;
      break;
    }
  }
  BT_TRY_VOID(print_all(tuned, asked));
  return code;
}

}  // namespace batchtune

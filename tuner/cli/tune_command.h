// One model tuned: what is asked of it, and the straight line from there to a report.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "storage/store.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct TuneTask {
  Model model;
  TuningRequest request;
  std::optional<SessionRecord> resumed;  // goes on with this one; else a new session is begun
  // Of a new session, kept beside what was asked: where its model is from, which session it
  // follows.
  std::vector<Setting> links;
  // Of options that the user did not type: "--extend 12", by setting.
  std::map<std::string, std::string> origins;
  // Called when all of a new session is known and nothing is stored yet; may be empty. An error
  // begins none.
  std::function<Status(const SessionHeader&)> before_start;
};

TuneTask resuming(Model model, TuningRequest request, SessionRecord record);

// Where a model is from, as a setting: a name of the zoo, or the whole path of a file.
Setting model_link(const std::string& name_or_path);

// A signal ends it early; see interrupting_signal().
Result<TuneReport> tune_model(const TuneTask& task, Store& store, bool quiet);

}  // namespace batchtune

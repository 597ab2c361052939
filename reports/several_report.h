// What `tune` of several models shows: a line for each as it ends, a table of all, one JSON
// document with a result for each (tune.schema.json).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/error.h"

namespace batchtune {

// One of them: its report, or the error that kept it from one.
struct TunedModel {
  std::string model;
  std::optional<TuneReport> report;
  std::optional<Error> error;
};

std::string text_one_of_several(const TunedModel& tuned, const TextOptions& options);
std::string text_several(const std::vector<TunedModel>& tuned, const TextOptions& options);
// {"results": [...]}: each as of `tune` of one model, or {"schema_version", "model", "error"}.
std::string json_several(const std::vector<TunedModel>& tuned);

}  // namespace batchtune

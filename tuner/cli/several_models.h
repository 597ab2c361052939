// `tune` of several models: one budget shared, one run that --resume goes on with, one summary.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/model_source.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"

namespace batchtune {

struct SeveralModels {
  std::vector<std::string> models;  // or:
  std::string file;                 // models.toml
  ModelOptions model_options;       // of a file's models; those of `models` are in their names
  TuningOptions tuning;             // as typed: counts for every model, over what the file says
  bool resumes = false;
  std::string database;
  Format format = Format::text;
  bool quiet = false;
};

// All models are loaded and all options checked before anything is measured. A model that fails
// does not stop the others; a signal does. The result is the worst exit code of all.
Result<int> tune_several(const SeveralModels& asked);

}  // namespace batchtune

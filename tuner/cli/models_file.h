// models.toml: several models to tune, each with what is asked of it. toml++ is behind this, in
// models_file.cpp alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/error.h"

namespace batchtune {

struct FileModel {
  std::string model;      // as load_model() takes it: "bert-large@seq=384", or a path
  TuningOptions options;  // its own over the file's defaults; each value is known to parse
  std::string where;      // "models.toml:7:1"
};

struct ModelsFile {
  std::string budget;  // of all models together; "" where the file does not say
  std::vector<FileModel> models;
};

// Keys are the long options of `tune` without the dashes, in [defaults] for all models and in each
// [[model]], which also has `name` and `dims` (as --dim). Paths of models are relative to the file's folder.
// Errors name line and column; an unknown key names the nearest one.
Result<ModelsFile> read_models_file(const std::string& path);
Result<ModelsFile> parse_models_file(std::string_view toml, const std::string& path);

}  // namespace batchtune

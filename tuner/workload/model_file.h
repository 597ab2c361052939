// Model files (.json): reading, writing. The schema is model.schema.json beside this file; the same
// text carries a model to a worker process.
#pragma once

#include <string>
#include <string_view>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

// Errors name the JSON path and what was expected there ("$.ops[3].kernel: two positive integers").
Result<Model> parse_model(std::string_view json, std::string_view file_name);
Result<Model> read_model_file(const std::string& path);
std::string write_model(const Model& model);  // JSON; parse_model gives an equal model

// Whether load_model() takes this for a file and not for a name of the zoo.
bool is_model_path(std::string_view name_or_path);

// MODEL of the command line: a zoo name, optionally with parameters ("bert-large@seq=384"), a .json
// path, or an .onnx, .ort or .xml path, optionally with dimensions ("model.onnx@seq=128":
// onnx/onnx.h, opaque.h).
Result<Model> load_model(const std::string& name_or_path);

}  // namespace batchtune

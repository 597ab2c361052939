// Models whose operations nobody here can read: a file that only its runtime reads (ONNX Runtime's
// .ort, OpenVINO's .xml), or a name for what a command runs. Such a Model has no operations and a
// Model::file whose format says what it is. Nothing is made up for it: counts are zero and shown as
// unknown, and so is every estimate (core/unknown.h). What its inputs are is its runtime's to say,
// in a worker, when it is loaded.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

bool is_opaque(const Model& model);

// A kind of file that one runtime reads.
struct OpaqueFormat {
  std::string_view name;     // ModelFile::format, "ort"
  std::string_view ending;   // ".ort"
  std::string_view backend;  // that reads it, by its name: "onnxruntime"
  std::string_view title;    // "ONNX Runtime's own format"
};
std::span<const OpaqueFormat> opaque_formats();

// nullptr: the model is not from such a file.
const OpaqueFormat* format_of(const Model& model);

bool is_opaque_path(std::string_view name_or_path);  // with or without options

// "model.xml@seq=128,batch=N" (model_path.h). The digest is of the file and of the weights beside it
// (model.bin). Errors: no such file, or one that is none of its kind by its first bytes.
Result<Model> read_opaque(std::string_view path_with_options);

// A name for whatever `command`, a template with {batch}, runs. Two are the same model when name and
// template are.
Model command_model(const std::string& name, const std::string& command);
inline constexpr std::string_view kCommandFormat = "command";

}  // namespace batchtune

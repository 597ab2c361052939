// MODEL of the command line. Apart from model_reader.cpp, so that who only reads JSON brings neither the zoo nor ONNX along.
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/opaque.h"
#include "tuner/workload/zoo.h"

namespace batchtune {

bool is_model_path(std::string_view name_or_path) {
  return name_or_path.ends_with(".json") || is_onnx_path(name_or_path) ||
         is_opaque_path(name_or_path) || name_or_path.find('/') != std::string_view::npos;
}

Result<Model> load_model(const std::string& name_or_path) {
  if (is_onnx_path(name_or_path)) return read_onnx(name_or_path);
  if (is_opaque_path(name_or_path)) return read_opaque(name_or_path);
  if (is_model_path(name_or_path)) return read_model_file(name_or_path);
  return build_zoo_model(name_or_path);
}

}  // namespace batchtune

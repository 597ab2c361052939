// MODEL of the command line as a name or path with what its free dimensions are:
// "model.onnx@seq=128,batch=N", "bert-large@seq=384".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tuner/core/error.h"

namespace batchtune {

// Of a file that was made elsewhere.
struct ModelPath {
  std::string path;
  std::map<std::string, std::int64_t> dims;  // by their names in the file: {"seq": 128}
  std::string batch_dim;                     // the dimension that is the batch; "" to find it
};

// Whether this is the path of a file with that ending (".onnx"), with or without options.
bool is_path_with_ending(std::string_view name_or_path, std::string_view ending);

// Of such a path; where `ending` is "", of a name: up to the first @. Errors name the option.
Result<ModelPath> split_model_path(std::string_view path_with_options, std::string_view ending);

// "encoder@seq=128" of /models/encoder.onnx: what such a model is called.
std::string name_of_model(const ModelPath& path);

}  // namespace batchtune

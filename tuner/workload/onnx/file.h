// An ONNX file read and checked, before its graph is looked at. Internal to this folder.
#pragma once

#include <string>

#include "tuner/core/error.h"
#include "tuner/workload/onnx/messages.h"

namespace batchtune::onnx_file {

struct OnnxFile {
  std::string path;  // absolute
  ::onnx::ModelProto model;
  std::string digest;  // ModelFile::digest
  bool has_external_data = false;
};

enum class Weights {
  cut,   // data of large tensors is left out of the message: enough for shapes and counts
  whole  // the message can be written again
};

// Reads a file of at most 2 GiB, which is as much as a message may have. Every initializer has the
// bytes that its shape claims, inside the file or inside a file of the model's folder.
Result<OnnxFile> open_onnx(const std::string& path, Weights weights);

// "model.onnx" of "/models/model.onnx": what errors name.
std::string file_name_of(const std::string& path);

}  // namespace batchtune::onnx_file

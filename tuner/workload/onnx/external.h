// Bytes of a tensor that lie in another file of the model's folder. Internal to this folder.
#pragma once

#include <optional>
#include <string>

#include "tuner/workload/onnx/messages.h"

namespace batchtune::onnx_file {

// Of a tensor that open_onnx() has checked: its place is inside the folder, and has so many bytes.
// nullopt: the file cannot be read any more.
std::optional<std::string> external_bytes(const ::onnx::TensorProto& tensor,
                                          const std::string& folder);

}  // namespace batchtune::onnx_file

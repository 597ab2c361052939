// An ONNX model with its external data inside: for who finds no weights beside bytes.
#pragma once

#include <string>

#include "tuner/core/error.h"

namespace batchtune {

// `bytes`: a serialised ModelProto; `folder`: where its external data lie (OnnxForRuntime). Errors: data
// that cannot be read, or more than the 2 GiB that one message may have.
Result<std::string> embed_external_data(const std::string& bytes, const std::string& folder);

}  // namespace batchtune

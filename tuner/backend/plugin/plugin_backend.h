// A plugin as a Backend: what open_backend() makes of "./libmydevice.so:PARAMETERS". The README
// beside this file says how plugins are named.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/runtime/onnx_source.h"
#include "tuner/core/error.h"

namespace batchtune::plugin {

// Loads the library into this process: for workers. Errors: see library.h and device.h.
Result<std::unique_ptr<Backend>> create_backend(const std::string& path,
                                                const std::string& parameters,
                                                runtime::OnnxSource onnx);

}  // namespace batchtune::plugin

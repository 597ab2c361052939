// ONNX Runtime as a backend: f32 models on this machine's processor, by a library that the user
// has.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/onnxruntime/options.h"
#include "tuner/backend/runtime/finder.h"
#include "tuner/backend/runtime/onnx_source.h"

namespace batchtune::onnxruntime {

inline constexpr RuntimeLibrary kLibrary{"ONNX Runtime", "libonnxruntime.so",
                                         "BATCHTUNE_ONNXRUNTIME", "onnxruntime", "capi"};

// Looks for the library and loads it. Errors: bad parameters; no library, or one that is too old.
Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters,
                                                runtime::OnnxSource source);

}  // namespace batchtune::onnxruntime

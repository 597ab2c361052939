// OpenVINO as a backend: f32 and bf16 on this machine's processor, by a library that the user has.
// The trap: its packages bring a libtbb of their own, so its process must never load the cpu
// backend's module (every worker has one backend alone).
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/runtime/finder.h"
#include "tuner/backend/runtime/onnx_source.h"

namespace batchtune::openvino {

inline constexpr RuntimeLibrary kLibrary{"OpenVINO", "libopenvino_c.so", "BATCHTUNE_OPENVINO",
                                         "openvino", "libs"};

// Looks for the library and loads it. Errors: bad parameters; no library, or one that is too old.
Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters,
                                                runtime::OnnxSource source);

}  // namespace batchtune::openvino

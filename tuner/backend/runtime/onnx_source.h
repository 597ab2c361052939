// Where a runtime's backend gets the ONNX form of a model from; tests have one of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"
#include "tuner/workload/onnx/onnx.h"

namespace batchtune::runtime {

// As onnx_for_runtime(): of the file that the model is from, else exported with weights of `seed`.
using OnnxSource = std::function<Result<OnnxForRuntime>(const Model& model, std::uint64_t seed)>;

// Without one the model is unsupported, with the source's reason. `own_format` is that of files which
// only this runtime reads (workload/opaque.h): such a file is its own form, and inputs and outputs are
// for the runtime to declare (declared.h).
Outcome<OnnxForRuntime> onnx_of(const OnnxSource& source, const Model& model, std::uint64_t seed,
                                std::string_view own_format = "");

}  // namespace batchtune::runtime

// Exporting to a file, where weights may be larger than one protobuf message. In memory:
// export_onnx() (onnx.h).
#pragma once

#include <cstdint>
#include <string>

#include "tuner/core/units.h"
#include "tuner/workload/onnx/onnx.h"

namespace batchtune {

inline constexpr Bytes kMostInOneFile = Bytes{1} << 30;

// As export_onnx(), to `path`, which is overwritten. Weights of more than `most_in_one_file` bytes
// go to a file beside it, "<path>.data". The result names the file in `path`. Errors: the model has
// operations that are not ours (OpKind::foreign); a file cannot be written, or its disk is too full
// for it.
Result<OnnxForRuntime> write_onnx(const Model& model, std::uint64_t seed, const std::string& path,
                                  Bytes most_in_one_file = kMostInOneFile);

}  // namespace batchtune

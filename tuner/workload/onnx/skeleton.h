// A model file without the bytes of its large weights: shapes and counts need none of them, and a
// process whose memory is measured should not have held them. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune::onnx_file {

struct Skeleton {
  std::string bytes;  // a serialised ModelProto
  std::vector<std::uint64_t>
      cut;  // of each initializer in order: bytes of data that were left out; 0: none
};

// Reads only what is kept. An error where the file is no protobuf message, or ends too soon.
Result<Skeleton> read_skeleton(const std::string& path);

}  // namespace batchtune::onnx_file

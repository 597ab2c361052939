// What is lowered: operations of Model's native kinds, calls of kernels/tensor where an ONNX file
// has others, and where the values of weights come from, of a model of the zoo or of a file.
#pragma once

#include <memory>

#include "tuner/backend/backend.h"
#include "tuner/backend/imported/lowered.h"
#include "tuner/backend/module_services.h"
#include "tuner/workload/weight_values.h"

namespace batchtune::onednn {

struct Source {
  std::shared_ptr<const Model> model;  // `values` may refer to it
  std::unique_ptr<WeightValues> values;
  Bytes held_bytes = 0;  // of a file's values and its constants of calls, which stay in memory
  std::shared_ptr<const imported::LoweredModel> lowered = {};  // of a file: has `model`

  bool has_calls() const { return lowered != nullptr && !lowered->calls.empty(); }
};

// `read` reads the file's graph; nullptr: no files. unsupported: the model has operations that no
// primitive, no loop here and no call computes, which are named and counted.
Outcome<Source> source_of(const Model& model, std::uint64_t seed, DType dtype, GraphReader read);

}  // namespace batchtune::onednn

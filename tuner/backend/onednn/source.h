// What is lowered: operations of Model's native kinds, and where the values of their weights come
// from, of a model of the zoo or of an ONNX file.
#pragma once

#include <memory>

#include "tuner/backend/backend.h"
#include "tuner/backend/module_services.h"
#include "tuner/workload/weight_values.h"

namespace batchtune::onednn {

struct Source {
  std::shared_ptr<const Model> model;  // `values` may refer to it
  std::unique_ptr<WeightValues> values;
  Bytes held_bytes = 0;  // of the values, where they are a file's and stay in memory
};

// `read` reads the file's graph; nullptr: no files. unsupported: the model has operations that no
// primitive and no loop here computes, which are named and counted.
Outcome<Source> source_of(const Model& model, std::uint64_t seed, GraphReader read);

}  // namespace batchtune::onednn

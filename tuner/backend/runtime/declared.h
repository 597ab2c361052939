// A model that only its runtime can read (workload/opaque.h), by what the runtime declares of its
// inputs and outputs when it has loaded it: as a Model of inputs and one result, so that programs
// need not know the difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/runtime/element.h"
#include "tuner/backend/runtime/tensor_layout.h"
#include "tuner/workload/onnx/onnx.h"

namespace batchtune::runtime {

struct DeclaredTensor {
  std::string name;                // "" where the runtime has none for it
  std::optional<Element> element;  // nullopt: a type without values of ours
  Dimensions dims;                 // below 0: open
  // Of each dimension, where an open one has a name; "" or missing where not. Such a one is called by
  // its place then: "input_ids.1".
  std::vector<std::string> symbols;
};

struct DeclaredModel {
  Model model;                     // the inputs, and the result as one operation (kWholeModel)
  std::vector<OnnxTensor> inputs;  // in order; kNoBatch where all samples share it
  OnnxTensor result;
  std::size_t result_index = 0;  // among the outputs
  std::optional<std::int64_t> fixed_batch;  // that the file was made for; nullopt: any
};

// The batch is the dimension that `opaque` names (Model::file), else the first of each input: where
// it is open, or one and the same size in all of them, or 1 in some (fixed_batch). Other open
// dimensions are of the sizes in Model::dims. Unsupported, with what there is to choose from, where
// that does not settle it.
Outcome<DeclaredModel> declare(const Model& opaque, const std::vector<DeclaredTensor>& inputs,
                               const std::vector<DeclaredTensor>& outputs);

// What stands for all operations (Op::operation).
inline constexpr char kWholeModel[] = "whole model";

// Where no vocabulary can be known, rows of whole numbers are ids below this: every table of tokens has so many rows. A
// lone number and what is called a mask is 1; what is called a type or a segment is 0, of which some tables have no other.
inline constexpr std::int64_t kSafeIds = 16;

// declare() with what it found for the session: "inputs" and "outputs", "ids" where seeded ones are made up. Where it
// refuses, the two are as the file declares them ("input_ids int64 [batch, seq]").
enum class Samples { seeded, of_a_file };
Outcome<DeclaredModel> declare_and_tell(const Model& opaque, const std::vector<DeclaredTensor>& inputs,
                                        const std::vector<DeclaredTensor>& outputs, Samples samples,
                                        std::vector<Setting>& told);
inline constexpr char kInputsSetting[] = "inputs", kOutputsSetting[] = "outputs", kIdsSetting[] = "ids";

}  // namespace batchtune::runtime

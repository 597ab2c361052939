// Finds where a batch of 1 is baked into a graph, while its shapes are inferred. Internal to this
// folder.
#pragma once

#include <array>
#include <optional>

#include "tuner/workload/onnx/infer.h"

namespace batchtune::onnx_file {

// The inputs of a node in both worlds; nullptr for those that are left out.
using NodeInputs = std::array<std::vector<const Facts*>, kWorlds>;

// What stands in for an input of the node where a batch of 1 is baked into it, and the note of
// that. nullopt where nothing has to change. `view` is the node in the first world.
struct FreedInput {
  std::size_t input;
  std::array<Facts, kWorlds> facts;
  BakedBatch baked;
};
Result<std::optional<FreedInput>> free_batch(const NodeView& view, const NodeInputs& inputs);

// For a Reshape whose target is an attribute (opset 4 and older) instead.
bool has_target_attribute(const NodeView& view);

}  // namespace batchtune::onnx_file

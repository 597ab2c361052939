// Makes the batch of a graph free that has it fixed at 1. Internal to this folder.
#pragma once

#include <string>

#include "tuner/workload/onnx/infer.h"

namespace batchtune::onnx_file {

// Rewrites `model`, of whose graph `graph` was inferred (with its weights or without): a symbolic
// leading dimension for inputs and outputs, and the batch wherever `graph.baked` says that a 1
// stands for it. Shapes of tensors between are dropped: runtimes infer them again. Errors name the
// node that would need operations that its opset lacks.
Status free_graph(::onnx::ModelProto& model, const InferredGraph& graph, const std::string& file);

}  // namespace batchtune::onnx_file

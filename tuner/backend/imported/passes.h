// The passes over a graph, in the order of lowered.cpp. Each leaves a graph that computes the same.
#pragma once

#include "tuner/backend/imported/graph_edit.h"

namespace batchtune::imported {

// sound.cpp: whether the node has an output and the inputs that its operation cannot do without.
// Everything else takes that for granted.
bool is_sound(const GraphNode& node);

// fold.cpp: what depends on no input and not on the batch becomes a constant, computed by the
// kernels that would compute it in a run; nodes that do nothing go (Identity, Dropout); operands
// that old opsets spread along an axis get the shape that newer ones spread alike.
void fold_constants(GraphEditor& edit);

// fuse_shapes.cpp: several nodes that are one native operation: silu, the shuffling of channels,
// zeros that are put around an image before a convolution.
void find_native_shapes(GraphEditor& edit);

// fuse.cpp: Conv, Gemm and MatMul with constant weights become native nodes; batch norms, scales,
// biases, activations and residual sums behind them go into them where nothing else reads what is
// between. A batch norm that is left is a depthwise 1x1 convolution.
void fuse_products(GraphEditor& edit);

}  // namespace batchtune::imported

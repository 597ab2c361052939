// The rules by which outputs of ONNX nodes follow from their inputs, at one batch. Internal to this
// folder; operations.cpp says which node has which.
//
// A rule is called with every input that is there of known shape, and gives one Facts for each
// output (further ones are unknown). Outputs that depend on values of data are Facts without a
// shape; what cannot be is an error.
#pragma once

#include <functional>
#include <vector>

#include "tuner/workload/onnx/node_view.h"

namespace batchtune::onnx_file {

using Outputs = std::vector<Facts>;
using ShapeRule = Result<Outputs> (*)(const NodeView& node);
// FLOP of the whole batch: a multiply-add is 2, all other arithmetic 1 for each element.
using WorkRule = double (*)(const NodeView& node, const Outputs& outputs);

// rules_arithmetic.cpp
Result<Shape> broadcast(const NodeView& node, const Shape& a, const Shape& b);
Result<Outputs> elementwise(const NodeView& node);
Result<Outputs> same_shape(const NodeView& node);  // of input 0, whatever the others are
Result<Outputs> cast(const NodeView& node);
Result<Outputs> layer_normalization(const NodeView& node);

// rules_attention.cpp
Result<Outputs> attention(const NodeView& node);
double attention_work(const NodeView& node, const Outputs& outputs);

// rules_quantised.cpp
Result<Outputs> quantize(const NodeView& node);  // and back
Result<Outputs> dynamic_quantize(const NodeView& node);
Result<Outputs> qlinear_binary(const NodeView& node);
Result<Outputs> qlinear_concat(const NodeView& node);

// rules_reduce.cpp
Result<Outputs> reduce(const NodeView& node);
Result<Outputs> arg_reduce(const NodeView& node);
Result<Outputs> top_k(const NodeView& node);

// rules_products.cpp
Result<Outputs> conv(const NodeView& node);
Result<Outputs> conv_transpose(const NodeView& node);
Result<Outputs> gemm(const NodeView& node);
Result<Outputs> matmul(const NodeView& node);
Result<Outputs> einsum(const NodeView& node);
Result<Outputs> recurrent(const NodeView& node);  // LSTM, GRU, RNN
double conv_work(const NodeView& node, const Outputs& outputs);
double conv_transpose_work(const NodeView& node, const Outputs& outputs);
double gemm_work(const NodeView& node, const Outputs& outputs);
double matmul_work(const NodeView& node, const Outputs& outputs);
double einsum_work(const NodeView& node, const Outputs& outputs);
double recurrent_work(const NodeView& node, const Outputs& outputs);
// Input that holds the weights, and the one with the bias: quantised kinds have scales between.
std::size_t weight_input(const NodeView& node);

// rules_images.cpp
Shape spatial(const Shape& shape);  // of an image [batch, channels, ...]: what comes behind these
// Sizes of the outputs of windows that slide over `input` (spatial dimensions only).
Result<Shape> slide(const NodeView& node, const Shape& input, const Shape& kernel);
Result<Outputs> pool(const NodeView& node);
Result<Outputs> global_pool(const NodeView& node);
Result<Outputs> pad(const NodeView& node);
Result<Outputs> resize(const NodeView& node);
Result<Outputs> depth_to_space(const NodeView& node);
Result<Outputs> space_to_depth(const NodeView& node);
Result<Outputs> grid_sample(const NodeView& node);
double pool_work(const NodeView& node, const Outputs& outputs);

// rules_layout.cpp
// Sizes of a Reshape's target of `input`: -1 and 0 filled in.
Result<Shape> resolve_target(const NodeView& node, const Shape& target, const Shape& input);
Result<Outputs> reshape(const NodeView& node);
Result<Outputs> flatten(const NodeView& node);
Result<Outputs> squeeze(const NodeView& node);
Result<Outputs> unsqueeze(const NodeView& node);
Result<Outputs> transpose(const NodeView& node);
Result<Outputs> concat(const NodeView& node);
Result<Outputs> split(const NodeView& node);
Result<Outputs> slice(const NodeView& node);
Result<Outputs> gather(const NodeView& node);
Result<Outputs> gather_elements(const NodeView& node);
Result<Outputs> gather_nd(const NodeView& node);
Result<Outputs> expand(const NodeView& node);
Result<Outputs> tile(const NodeView& node);
Result<Outputs> one_hot(const NodeView& node);

// rules_constants.cpp
Result<Outputs> constant(const NodeView& node);
Result<Outputs> constant_of_shape(const NodeView& node);
Result<Outputs> shape_of(const NodeView& node);
Result<Outputs> size_of_tensor(const NodeView& node);
Result<Outputs> range(const NodeView& node);
Result<Outputs> eye_like(const NodeView& node);

// Work of the kinds that count by elements.
double no_work(const NodeView& node, const Outputs& outputs);
double output_work(const NodeView& node, const Outputs& outputs);
double input_work(const NodeView& node, const Outputs& outputs);

std::string shape_text(const Shape& shape);  // "[5, 3, 224, 224]"

}  // namespace batchtune::onnx_file

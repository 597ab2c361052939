// Sums, products and functions of equal shapes, in whichever order they lie; softmax and norms over
// the last dimension.
#include <algorithm>

#include "tuner/backend/imported/calls.h"
#include "tuner/backend/imported/native.h"

namespace batchtune::imported {
namespace {

bool same_shapes(const Builder& builder, const GraphNode& node) {
  const auto& shape = builder.tensor(node.outputs[0]).shape;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](int input) {
    return input != kLeftOut && builder.is_native(input) && builder.is_placed(input) &&
           builder.tensor(input).shape == shape;
  });
}

// One of `kind` over tensors of one shape.
bool add_alike(Builder& builder, const GraphNode& node, std::vector<int> inputs, Op op) {
  const int out = node.outputs[0];
  if (!builder.is_native(out)) return false;
  const bool as_image =
      builder.is_image(out) && std::any_of(inputs.begin(), inputs.end(),
                                           [&](int input) { return builder.lies_as_image(input); });
  const Shape whole = per_sample(*builder.tensor(out).shape);
  const Shape shape = as_image           ? builder.image_shape(out)
                      : whole.size() > 4 ? Shape{elements(whole)}
                                         : whole;
  for (const int input : inputs) {
    const int from = as_image ? builder.image(input) : builder.plain(input);
    op.inputs.push_back(builder.op(builder.shaped(from, shape)).name);
  }
  op.output = shape;
  op.name = builder.new_name(builder.tensor(out).name);
  const int index = builder.add(std::move(op));
  if (as_image)
    builder.place_image(out, index);
  else
    builder.place_plain(out, index);
  return true;
}

// What the node is as one of our activations; none where it is not.
Activation meaning(const Builder& builder, const GraphNode& node) {
  if (node.domain == kNative) return activation_of(node);
  if (node.op_type == "Relu") return Activation::relu;
  if (node.op_type == "Gelu")
    return text(node, "approximate", "none") == "tanh" ? Activation::gelu : Activation::gelu_erf;
  if (node.op_type != "Clip") return Activation::none;
  return clips_to_six(builder.graph(), node) ? Activation::relu6 : Activation::none;
}

// Rows of `length`, the last elements of each sample.
std::optional<Shape> rows_of(const Builder& builder, int tensor, std::int64_t length) {
  const BatchedShape& shape = *builder.tensor(tensor).shape;
  const Shape sample = per_sample(shape);
  if (elements(sample) % length != 0) return std::nullopt;
  return Shape{elements(sample) / length, length};
}

bool add_rows(Builder& builder, const GraphNode& node, std::int64_t length, Op op) {
  const int in = node.inputs[0], out = node.outputs[0];
  const auto rows = rows_of(builder, in, length);
  if (!rows) return false;
  op.inputs = {builder.op(builder.shaped(builder.plain(in), *rows)).name};
  op.output = *rows;
  builder.place_plain(out, builder.add(std::move(op)));
  return true;
}

}  // namespace

bool clips_to_six(const GraphEditor& graph, const GraphNode& node) {
  const auto bound = [&](std::size_t input, const char* name) -> std::optional<double> {
    if (node.opset < 11)
      return node.attributes.count(name) ? std::optional(number(node, name, 0)) : std::nullopt;
    return has_input(node, input) ? single(graph.tensor(node.inputs[input])) : std::nullopt;
  };
  return bound(1, "min") == 0.0 && bound(2, "max") == 6.0;
}

bool add_sum(Builder& builder, const GraphNode& node) {
  if (node.inputs.size() != 2 || !same_shapes(builder, node)) return false;
  Op op;
  op.kind = OpKind::add;
  return add_alike(builder, node, node.inputs, std::move(op));
}

bool add_multiply(Builder& builder, const GraphNode& node) {
  if (node.inputs.size() != 2 || !same_shapes(builder, node)) return false;
  Op op;
  op.kind = OpKind::multiply;
  return add_alike(builder, node, node.inputs, std::move(op));
}

bool add_activation(Builder& builder, const GraphNode& node) {
  Op op;
  op.kind = OpKind::activation;
  op.activation = meaning(builder, node);
  const int in = node.inputs[0];
  if (op.activation == Activation::none || !builder.is_native(in) || !builder.is_placed(in))
    return false;
  return add_alike(builder, node, {in}, std::move(op));
}

// Before opset 13 over the axis and all behind it, since then over the axis alone: ours where that
// is the end of a row.
bool add_softmax(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  if (!builder.is_native(in) || !builder.is_native(out) || !builder.is_placed(in)) return false;
  const BatchedShape& shape = *builder.tensor(in).shape;
  const std::size_t rank = shape.sizes.size();
  const bool native = node.domain == kNative, flattens = !native && node.opset < 13;
  const auto axis =
      native ? rank - 1
             : CallNode::axis(integer(node, "axis", flattens ? 1 : -1), rank).value_or(rank);
  if (axis >= rank || shape.batch_axis >= static_cast<int>(axis)) return false;
  const auto from = shape.sizes.begin() + static_cast<std::ptrdiff_t>(axis);
  const std::int64_t length = flattens ? elements(Shape(from, shape.sizes.end())) : *from;
  if (!flattens && elements(Shape(from + 1, shape.sizes.end())) != 1) return false;
  Op op;
  op.kind = OpKind::softmax;
  op.scale = number(node, "scale", 1);
  op.name = builder.new_name(builder.tensor(out).name);
  return add_rows(builder, node, length, std::move(op));
}

bool add_norm(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  const bool layer = node.op_type == "LayerNorm";
  const auto gain = Floats::of(builder.tensor(node.inputs[1]));
  const auto bias = layer ? Floats::of(builder.tensor(node.inputs[2])) : std::nullopt;
  if (!builder.is_native(in) || !builder.is_native(out) || !builder.is_placed(in) || !gain ||
      (layer && !bias))
    return false;
  const BatchedShape& shape = *builder.tensor(in).shape;
  const std::int64_t length = shape.sizes.back();
  if (shape.batch_axis + 1 == static_cast<int>(shape.sizes.size()) || gain->size() != length)
    return false;
  Op op;
  op.kind = layer ? OpKind::layer_norm : OpKind::rms_norm;
  op.epsilon = number(node, "epsilon", 1e-5);
  op.name = builder.new_name(builder.tensor(out).name);
  builder.weights().set(op.name, WeightRole::gain, fill_in_order(*gain));
  if (layer) builder.weights().set(op.name, WeightRole::bias, fill_in_order(*bias));
  return add_rows(builder, node, length, std::move(op));
}

namespace {

// [begin, end) of the last dimension, which no batch is in, as `out`.
void add_part(Builder& builder, int in, const Shape& rows, std::int64_t begin, std::int64_t end,
              int out) {
  Op op;
  op.kind = OpKind::slice;
  op.inputs = {builder.op(builder.shaped(builder.plain(in), rows)).name};
  op.axis = 1;
  op.begin = begin;
  op.end = end;
  op.output = {rows[0], end - begin};
  op.name = builder.new_name(builder.tensor(out).name);
  builder.place_plain(out, builder.add(std::move(op)));
}

// The rows that are cut; nullopt: the node cuts something else.
std::optional<Shape> cut_rows(const Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0];
  if (!builder.is_native(in) || !builder.is_placed(in)) return std::nullopt;
  for (const int out : node.outputs)
    if (out == kLeftOut || !builder.is_native(out)) return std::nullopt;
  const BatchedShape& shape = *builder.tensor(in).shape;
  if (shape.batch_axis + 1 == std::ssize(shape.sizes)) return std::nullopt;
  return rows_of(builder, in, shape.sizes.back());
}

}  // namespace

bool add_slice(Builder& builder, const GraphNode& node) {
  const auto rows = cut_rows(builder, node);
  if (!rows) return false;
  add_part(builder, node.inputs[0], *rows, integer(node, "begin", 0), integer(node, "end", 0),
           node.outputs[0]);
  return true;
}

bool add_split_of_rows(Builder& builder, const GraphNode& node) {
  const auto rank = builder.tensor(node.inputs[0]).shape->sizes.size();
  if (CallNode::axis(integer(node, "axis", 0), rank) != rank - 1) return false;
  const auto rows = cut_rows(builder, node);
  if (!rows) return false;
  std::int64_t begin = 0;
  for (const int out : node.outputs) {
    const std::int64_t end = begin + builder.tensor(out).shape->sizes.back();
    add_part(builder, node.inputs[0], *rows, begin, end, out);
    begin = end;
  }
  return true;
}

}  // namespace batchtune::imported

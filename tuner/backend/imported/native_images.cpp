// Convolutions, pools, and what moves channels: all over images with channels last.
#include <algorithm>

#include "tuner/backend/imported/native.h"
#include "tuner/backend/imported/window.h"

namespace batchtune::imported {
namespace {

constexpr std::int64_t kMaxWindow = 4096;  // what infer_shapes lets pass

// ONNX's [out][in / groups][h][w] as [group][h][w][in / groups][out / groups].
FileWeights::Fill filters(const Floats& values, const Shape& shape, std::int64_t groups) {
  const std::int64_t out = shape[0] / groups, in = shape[1], taps = shape[2] * shape[3];
  return [=](std::span<float> to, std::int64_t first) {
    for (std::size_t i = 0; i < to.size();) {
      const std::int64_t at = first + static_cast<std::int64_t>(i);
      const std::int64_t begin = at % out, channel = at / out % in, tap = at / (out * in) % taps,
                         group = at / (out * in * taps);
      const float* from = values.data() + (group * out * in + channel) * taps + tap;
      for (std::int64_t o = begin; o < out && i < to.size(); ++o, ++i) to[i] = from[o * in * taps];
    }
  };
}

bool all_images(const Builder& builder, const std::vector<int>& tensors) {
  return std::all_of(tensors.begin(), tensors.end(), [&](int tensor) {
    return tensor != kLeftOut && builder.is_image(tensor) && builder.is_placed(tensor);
  });
}

}  // namespace

std::optional<Window> native_window(const FileGraph& graph, const GraphNode& node,
                                    const Shape& kernel, bool grow) {
  const CallNode facts(graph, node);
  const auto found = window_of(facts, kernel);
  if (!found || kernel.size() != 2) return std::nullopt;
  Window w{.kernel_h = kernel[0],
           .kernel_w = kernel[1],
           .stride_h = found->stride[0],
           .stride_w = found->stride[1],
           .pad_top = found->pad_begin[0],
           .pad_left = found->pad_begin[1],
           .pad_bottom = found->pad_end[0],
           .pad_right = found->pad_end[1],
           .dilation_h = found->dilation[0],
           .dilation_w = found->dilation[1]};
  const Shape& in = facts.in(0).shape->sizes;
  const Shape& out = facts.out().shape->sizes;
  const std::int64_t high = (kernel[0] - 1) * w.dilation_h + 1,
                     wide = (kernel[1] - 1) * w.dilation_w + 1;
  const auto needed = [](std::int64_t size, std::int64_t stride, std::int64_t extent,
                         std::int64_t from,
                         std::int64_t pad) { return (size - 1) * stride + extent - from - pad; };
  const std::int64_t bottom = needed(out[2], w.stride_h, high, in[2], w.pad_top),
                     right = needed(out[3], w.stride_w, wide, in[3], w.pad_left);
  if (!grow && (bottom > w.pad_bottom || right > w.pad_right)) return std::nullopt;
  w.pad_bottom = std::max(w.pad_bottom, bottom);
  w.pad_right = std::max(w.pad_right, right);
  for (const std::int64_t size :
       {kernel[0], kernel[1], w.stride_h, w.stride_w, w.dilation_h, w.dilation_w})
    if (size < 1 || size > kMaxWindow) return std::nullopt;
  const bool covers =
      std::max(w.pad_top, w.pad_bottom) < high && std::max(w.pad_left, w.pad_right) < wide;
  if (!covers) return std::nullopt;
  return w;
}

bool add_conv(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  const auto weights = Floats::of(builder.tensor(node.inputs[1]));
  const Shape& shape = builder.tensor(node.inputs[1]).shape->sizes;
  if (!all_images(builder, {in}) || !builder.is_image(out) || !weights) return false;
  if (has_input(node, 3) && !all_images(builder, {node.inputs[3]})) return false;
  const auto window = native_window(builder.graph().graph(), node, {shape[2], shape[3]}, false);
  if (!window) return false;
  Op op;
  op.kind = OpKind::conv2d;
  op.inputs = {builder.op(builder.image(in)).name};
  op.columns = shape[0];
  op.groups = integer(node, "group", 1);
  op.window = *window;
  op.output = builder.image_shape(out);
  op.epilogue.bias = has_input(node, 2);
  op.epilogue.activation = activation_of(node);
  if (has_input(node, 3)) {
    op.epilogue.residual = builder.op(builder.image(node.inputs[3])).name;
    op.epilogue.residual_after_activation = integer(node, "residual_after", 0) != 0;
  }
  op.name = builder.new_name(builder.tensor(out).name);
  builder.weights().set(op.name, WeightRole::matrix, filters(*weights, shape, op.groups));
  if (op.epilogue.bias)
    builder.weights().set(op.name, WeightRole::bias,
                          fill_in_order(*Floats::of(builder.tensor(node.inputs[2]))));
  builder.place_image(out, builder.add(std::move(op)));
  return true;
}

bool add_pool(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  const bool indices = node.outputs.size() > 1 && node.outputs[1] != kLeftOut;
  const bool average = node.op_type == "AveragePool";
  const bool whole = average && integer(node, "count_include_pad", 0) != 0;
  if (indices || !all_images(builder, {in}) || !builder.is_image(out)) return false;
  const auto window =
      native_window(builder.graph().graph(), node, integers(node, "kernel_shape"), !whole);
  if (!window || window->dilation_h != 1 || window->dilation_w != 1) return false;
  Op op;
  op.kind = average ? OpKind::average_pool : OpKind::max_pool;
  op.inputs = {builder.op(builder.image(in)).name};
  op.window = *window;
  op.count_include_pad = whole;
  op.output = builder.image_shape(out);
  op.name = builder.new_name(builder.tensor(out).name);
  builder.place_image(out, builder.add(std::move(op)));
  return true;
}

bool add_global_average_pool(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  if (!all_images(builder, {in}) || !builder.is_image(out)) return false;
  Op op;
  op.kind = OpKind::global_average_pool;
  op.inputs = {builder.op(builder.image(in)).name};
  op.output = {builder.image_shape(in)[2]};
  op.name = builder.new_name(builder.tensor(out).name);
  const int pooled = builder.add(std::move(op));
  builder.place_image(out, builder.shaped(pooled, builder.image_shape(out)));
  return true;
}

// [groups][each] of the channels exchanged.
bool add_channel_shuffle(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  if (!all_images(builder, {in}) || !builder.is_image(out)) return false;
  const Shape shape = builder.image_shape(in);
  const std::int64_t groups = integer(node, "groups", 1), each = shape[2] / groups;
  Op op;
  op.kind = OpKind::transpose;
  op.inputs = {builder.op(builder.image(in)).name};
  op.split = {shape[0] * shape[1], groups, each};
  op.permutation = {0, 2, 1};
  op.output = {shape[0] * shape[1], each, groups};
  op.name = builder.new_name(builder.tensor(out).name);
  const int shuffled = builder.add(std::move(op));
  builder.place_image(out, builder.shaped(shuffled, shape));
  return true;
}

// Of channels, where an input lies channels last.
bool add_concat(Builder& builder, const GraphNode& node) {
  const int out = node.outputs[0];
  if (!all_images(builder, node.inputs) || !builder.is_image(out)) return false;
  const auto axis = CallNode::axis(integer(node, "axis", 1), 4);
  const bool images = std::any_of(node.inputs.begin(), node.inputs.end(),
                                  [&](int input) { return builder.lies_as_image(input); });
  if (axis != 1U || !images) return false;
  Op op;
  op.kind = OpKind::concat;
  for (const int input : node.inputs) op.inputs.push_back(builder.op(builder.image(input)).name);
  op.axis = 2;
  op.output = builder.image_shape(out);
  op.name = builder.new_name(builder.tensor(out).name);
  builder.place_image(out, builder.add(std::move(op)));
  return true;
}

// Of channels, where the input lies channels last; else of rows.
bool add_split(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0];
  if (!all_images(builder, {in}) || !builder.lies_as_image(in))
    return add_split_of_rows(builder, node);
  if (CallNode::axis(integer(node, "axis", 0), 4) != 1U) return false;
  for (const int out : node.outputs)
    if (out != kLeftOut && !builder.is_image(out)) return false;
  if (std::count(node.outputs.begin(), node.outputs.end(), kLeftOut) > 0) return false;
  std::int64_t begin = 0;
  for (const int out : node.outputs) {
    Op op;
    op.kind = OpKind::slice;
    op.inputs = {builder.op(builder.image(in)).name};
    op.axis = 2;
    op.begin = begin;
    op.output = builder.image_shape(out);
    op.end = begin += op.output[2];
    op.name = builder.new_name(builder.tensor(out).name);
    builder.place_image(out, builder.add(std::move(op)));
  }
  return true;
}

}  // namespace batchtune::imported

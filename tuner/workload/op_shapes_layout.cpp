// Operations that keep the shape or only move elements.
#include "tuner/workload/op_shapes.h"

#include <cmath>
#include <utility>

namespace batchtune {
namespace {

constexpr double kMaxForeignFigure = 1e18;  // FLOP or weights: beyond any model, exact in nothing

}  // namespace

Result<Shape> OpShapes::input() {
  BT_TRY_VOID(want_inputs(0, 0));
  BT_TRY_VOID(check_size(op_.output, "shape", "an input shape"));
  if (op_.input_kind == InputKind::token_ids)
    BT_TRY_VOID(want_range("vocabulary", op_.vocabulary, 1, kMaxDimension));
  return op_.output;
}

Result<Shape> OpShapes::same_shape() {
  BT_TRY_VOID(want_inputs(1, 1));
  const bool norm = op_.kind == OpKind::layer_norm || op_.kind == OpKind::rms_norm;
  if (norm && !(op_.epsilon > 0 && op_.epsilon <= 1))
    return fail("epsilon", "a number above 0, at most 1", std::to_string(op_.epsilon));
  if (op_.kind == OpKind::softmax && (!std::isfinite(op_.scale) || op_.scale == 0))
    return fail("scale", "a finite number other than 0", std::to_string(op_.scale));
  if (op_.kind == OpKind::activation && op_.activation == Activation::none)
    return fail("activation", "relu, relu6, gelu, gelu-erf or silu", "none");
  return in_[0];
}

Result<Shape> OpShapes::elementwise() {
  BT_TRY_VOID(want_inputs(2, 2));
  if (in_[1] != in_[0])
    return fail("inputs[1]", "the shape of inputs[0], " + text_of(in_[0]), text_of(in_[1]));
  return in_[0];
}

Status OpShapes::want_axis() const {
  return want_range("axis", op_.axis, 0, static_cast<std::int64_t>(in_[0].size()) - 1);
}

Result<Shape> OpShapes::concat() {
  BT_TRY_VOID(want_inputs(1, kMaxOps));
  BT_TRY_VOID(want_axis());
  const auto axis = static_cast<std::size_t>(op_.axis);
  Shape shape = in_[0];
  for (std::size_t i = 1; i < in_.size(); ++i) {
    Shape expected = in_[0];
    if (axis < in_[i].size()) expected[axis] = in_[i][axis];
    if (in_[i] != expected)
      return fail("inputs[" + std::to_string(i) + "]",
                  text_of(in_[0]) + " but for axis " + std::to_string(axis), text_of(in_[i]));
    shape[axis] += in_[i][axis];
  }
  return shape;
}

Result<Shape> OpShapes::slice() {
  BT_TRY_VOID(want_inputs(1, 1));
  BT_TRY_VOID(want_axis());
  const auto axis = static_cast<std::size_t>(op_.axis);
  BT_TRY_VOID(want_range("begin", op_.begin, 0, in_[0][axis] - 1));
  BT_TRY_VOID(want_range("end", op_.end, op_.begin + 1, in_[0][axis]));
  Shape shape = in_[0];
  shape[axis] = op_.end - op_.begin;
  return shape;
}

Result<Shape> OpShapes::transpose() {
  BT_TRY_VOID(want_inputs(1, 1));
  if (!op_.split.empty()) {
    BT_TRY_VOID(check_size(op_.split, "split", "a view"));
    if (elements(op_.split) != elements(in_[0]))
      return fail("split", "a view of the input " + text_of(in_[0]), text_of(op_.split));
  }
  const Shape& view = op_.split.empty() ? in_[0] : op_.split;
  std::vector<bool> used(view.size(), false);
  Shape shape;
  for (const std::int64_t from : op_.permutation) {
    const auto dimension = static_cast<std::size_t>(from);
    if (from < 0 || dimension >= view.size() || used[dimension]) break;
    used[dimension] = true;
    shape.push_back(view[dimension]);
  }
  if (shape.size() != view.size() || op_.permutation.size() != view.size())
    return fail("permutation", "each of 0 to " + std::to_string(view.size() - 1) + " once",
                text_of(op_.permutation));
  return shape;
}

// Its shape and work are what the importer found; what backends and counts rely on is checked.
Result<Shape> OpShapes::foreign() {
  if (op_.operation.empty()) return fail("operation", "what the file calls it", "nothing");
  for (const auto& [key, value] :
       {std::pair{"flops", op_.flops}, std::pair{"weight_elements", op_.weight_elements}})
    if (!(value >= 0 && value <= kMaxForeignFigure))
      return fail(key, "a number from 0 to 1e18", std::to_string(value));
  BT_TRY_VOID(want_range("columns", op_.columns, 0, kMaxDimension));
  BT_TRY_VOID(want_range("groups", op_.groups, 1, kMaxDimension));
  BT_TRY_VOID(check_size(op_.output, "shape", "an output shape"));
  if (!op_.fused) return op_.output;
  if (in_.empty()) return fail("fused", "an input to be fused with", "none");
  BT_TRY(source, earlier(op_.inputs[0], "inputs[0]"));
  if (source->kind != OpKind::foreign || elements(source->output) != elements(op_.output))
    return fail("fused", "a foreign input of as many elements as the output " + text_of(op_.output),
                std::string(name_of(source->kind)) + " " + text_of(source->output));
  return op_.output;
}

Result<Shape> OpShapes::reshape() {
  BT_TRY_VOID(want_inputs(1, 1));
  BT_TRY_VOID(check_size(op_.output, "shape", "a shape"));
  if (elements(op_.output) != elements(in_[0]))
    return fail("shape", "as many elements as the input " + text_of(in_[0]), text_of(op_.output));
  return op_.output;
}

}  // namespace batchtune

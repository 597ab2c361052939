// Quantisation, and the operations of com.microsoft on quantised tensors: each operand is followed by
// its scale and its zero point.
#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

using Type = ::onnx::TensorProto;

}  // namespace

Result<Outputs> quantize(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const bool back = node.op() == "DequantizeLinear";
  int type = back ? node.in(1).type : node.has(2) ? node.in(2).type : Type::UINT8;
  if (const auto asked = node.integer("output_dtype", 0); asked != 0) type = static_cast<int>(asked);
  return Outputs{{type, node.shape(0), {}}};
}

Result<Outputs> dynamic_quantize(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  return Outputs{{Type::UINT8, node.shape(0), {}},
                 {Type::FLOAT, Shape{}, {}},   // scale
                 {Type::UINT8, Shape{}, {}}};  // zero point
}

Result<Outputs> qlinear_binary(const NodeView& node) {
  constexpr std::size_t kSecond = 3;
  BT_TRY_VOID(node.want_inputs(kSecond + 1));
  BT_TRY(shape, broadcast(node, node.shape(0), node.shape(kSecond)));
  return Outputs{{node.in(0).type, std::move(shape), {}}};
}

// The output's scale and zero point come first.
Result<Outputs> qlinear_concat(const NodeView& node) {
  constexpr std::size_t kFirst = 2, kEach = 3;
  BT_TRY_VOID(node.want_inputs(kFirst + 1));
  Shape out = node.shape(kFirst);
  BT_TRY(axis, node.axis_of(node.integer("axis", 1), out.size()));
  for (std::size_t i = kFirst + kEach; i < node.input_count(); i += kEach) {
    if (!node.has(i)) return node.fail("inputs with their scales", "one that is left out");
    Shape fitting = out;
    const Shape& other = node.shape(i);
    if (axis < other.size()) fitting[axis] = other[axis];
    if (other != fitting)
      return node.fail(shape_text(out) + " but for axis " + std::to_string(axis),
                       shape_text(other) + " (input " + std::to_string(i) + ")");
    if (__builtin_add_overflow(out[axis], other[axis], &out[axis]))
      return node.fail("sizes below 2^63", shape_text(other));
  }
  return Outputs{{node.in(kFirst).type, std::move(out), {}}};
}

}  // namespace batchtune::onnx_file

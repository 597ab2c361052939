#include "tuner/backend/imported/calls.h"

#include "kernels/tensor/cast.h"

namespace batchtune::imported {
namespace {

const CallRow* find_row(const GraphNode& node) {
  for (const auto& rows :
       {arithmetic_calls(), attention_calls(), image_calls(), layout_calls(), product_calls(),
        quantised_calls(), recurrent_calls(), reduce_calls(), row_calls()})
    for (const CallRow& row : rows)
      if (row.domain == node.domain && row.op_type == node.op_type) return &row;
  return nullptr;
}

// Why the kernels cannot take a tensor of the node; "" where they can.
std::string why_not(const FileGraph& graph, int index) {
  if (index == kLeftOut) return "";
  const GraphTensor& tensor = graph.tensors[static_cast<std::size_t>(index)];
  if (!kernel_type(tensor.type)) return "elements of " + name_of(tensor.type);
  if (!tensor.shape) return "a shape that depends on data";
  if (tensor.shape->sizes.size() > kt::kMaxRank)
    return std::to_string(tensor.shape->sizes.size()) + " dimensions";
  return "";
}

template <typename T>
std::vector<T> read_as(const kt::ConstTensor& tensor, kt::ElementType type) {
  std::vector<T> values(static_cast<std::size_t>(tensor.elements()));
  kernels::Team alone;
  static_cast<void>(kt::cast(alone, tensor, {type, tensor.shape, values.data()}));
  return values;
}

}  // namespace

std::optional<std::size_t> CallNode::axis(std::int64_t axis, std::size_t rank) {
  const auto count = static_cast<std::int64_t>(rank);
  if (axis < -count || axis >= count) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

std::vector<std::int64_t> whole_numbers(const kt::ConstTensor& tensor) {
  return read_as<std::int64_t>(tensor, kt::ElementType::i64);
}
std::vector<double> numbers(const kt::ConstTensor& tensor) {
  return read_as<double>(tensor, kt::ElementType::f64);
}

std::optional<kt::ElementType> kernel_type(ElementType type) {
  switch (type) {
    case ElementType::f32:
      return kt::ElementType::f32;
    case ElementType::f64:
      return kt::ElementType::f64;
    case ElementType::f16:
      return kt::ElementType::f16;
    case ElementType::bf16:
      return kt::ElementType::bf16;
    case ElementType::i8:
      return kt::ElementType::i8;
    case ElementType::u8:
      return kt::ElementType::u8;
    case ElementType::i16:
      return kt::ElementType::i16;
    case ElementType::u16:
      return kt::ElementType::u16;
    case ElementType::i32:
      return kt::ElementType::i32;
    case ElementType::u32:
      return kt::ElementType::u32;
    case ElementType::i64:
      return kt::ElementType::i64;
    case ElementType::u64:
      return kt::ElementType::u64;
    case ElementType::boolean:
      return kt::ElementType::boolean;
    default:
      return std::nullopt;
  }
}

Single::Single(double value, kt::ElementType type) : type_(type) {
  kernels::Team alone;
  static_cast<void>(kt::cast(alone, {kt::ElementType::f64, {}, &value}, {type, {}, bytes_.data()}));
}

MadeCall make_call(const FileGraph& graph, const GraphNode& node) {
  const CallRow* row = find_row(node);
  if (!row) return no_call("no such operation");
  for (const auto* tensors : {&node.inputs, &node.outputs})
    for (const int index : *tensors)
      if (std::string why = why_not(graph, index); !why.empty()) return no_call(std::move(why));
  return row->make(CallNode(graph, node));
}

}  // namespace batchtune::imported

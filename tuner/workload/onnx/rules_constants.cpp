// Where numbers come from: constants, and shapes of tensors.
#include <cmath>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

using Type = ::onnx::TensorProto;

Facts list_of(int type, std::vector<double> numbers, bool scalar) {
  Facts facts;
  facts.type = type;
  facts.shape = scalar ? Shape{} : Shape{static_cast<std::int64_t>(numbers.size())};
  if (static_cast<std::int64_t>(numbers.size()) <= kMaxNumbers) facts.numbers = std::move(numbers);
  return facts;
}

}  // namespace

Result<Outputs> constant(const NodeView& node) {
  if (const auto* tensor = node.tensor("value")) return Outputs{facts_of(*tensor)};
  if (node.has_attribute("value_int"))
    return Outputs{list_of(Type::INT64, {static_cast<double>(node.integer("value_int", 0))}, true)};
  if (node.has_attribute("value_float"))
    return Outputs{list_of(Type::FLOAT, {node.number("value_float")}, true)};
  if (node.has_attribute("value_ints")) {
    const auto values = node.integer_list("value_ints");
    return Outputs{list_of(Type::INT64, {values.begin(), values.end()}, false)};
  }
  if (node.has_attribute("value_floats"))
    return Outputs{list_of(Type::FLOAT, node.number_list("value_floats"), false)};
  return Outputs{Facts{}};  // text, or sparse
}

Result<Outputs> constant_of_shape(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out;
  out.type = Type::FLOAT;
  std::optional<double> fill = 0.0;
  if (const auto* tensor = node.tensor("value")) {
    const Facts value = facts_of(*tensor);
    out.type = value.type;
    fill = value.numbers && value.numbers->size() == 1 ? std::optional(value.numbers->front())
                                                       : std::nullopt;
  }
  const auto sizes = node.integers(0);
  if (!sizes) return Outputs{std::move(out)};
  out.shape = Shape(sizes->begin(), sizes->end());
  for (const std::int64_t size : *out.shape)
    if (size < 0) return node.fail("sizes of at least 0", shape_text(*out.shape));
  if (fill && elements(*out.shape) <= kMaxNumbers)
    out.numbers = std::vector<double>(static_cast<std::size_t>(elements(*out.shape)), *fill);
  return Outputs{std::move(out)};
}

Result<Outputs> eye_like(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  return Outputs{{static_cast<int>(node.integer("dtype", node.in(0).type)), node.shape(0), {}}};
}

Result<Outputs> shape_of(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const Shape& shape = node.shape(0);
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto bound = [&](std::int64_t at) {
    return std::min(std::max<std::int64_t>(at < 0 ? at + rank : at, 0), rank);
  };
  const std::int64_t start = bound(node.integer("start", 0));
  const std::int64_t end = std::max(start, bound(node.integer("end", rank)));
  return Outputs{list_of(Type::INT64, {shape.begin() + start, shape.begin() + end}, false)};
}

Result<Outputs> size_of_tensor(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  return Outputs{list_of(Type::INT64, {static_cast<double>(elements(node.shape(0)))}, true)};
}

Result<Outputs> range(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(3));
  Facts out;
  out.type = node.in(0).type;
  double bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (!node.in(i).numbers || node.in(i).numbers->size() != 1) return Outputs{std::move(out)};
    bounds[i] = node.in(i).numbers->front();
  }
  const auto [start, limit, delta] = bounds;
  if (delta == 0) return node.fail("a step other than 0", "0");
  const double count = std::max(0.0, std::ceil((limit - start) / delta));
  if (!(count < 1e15)) return node.fail("a range that ends", std::to_string(count) + " elements");
  out.shape = Shape{static_cast<std::int64_t>(count)};
  if (count > static_cast<double>(kMaxNumbers)) return Outputs{std::move(out)};
  out.numbers.emplace();
  for (std::int64_t i = 0; i < out.shape->front(); ++i)
    out.numbers->push_back(start + static_cast<double>(i) * delta);
  return Outputs{std::move(out)};
}

}  // namespace batchtune::onnx_file

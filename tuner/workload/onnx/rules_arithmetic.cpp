// Elementwise operations, and the arithmetic on few numbers that shapes are made by.
#include <algorithm>
#include <cmath>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

using Type = ::onnx::TensorProto;

struct Function {
  std::string_view op;
  double (*of)(double a, double b);  // b: 0 where there is one operand
};
constexpr Function kFunctions[] = {
    {"Add", [](double a, double b) { return a + b; }},
    {"Sub", [](double a, double b) { return a - b; }},
    {"Mul", [](double a, double b) { return a * b; }},
    {"Div", [](double a, double b) { return a / b; }},
    {"Mod", [](double a, double b) { return a - b * std::floor(a / b); }},
    {"Pow", [](double a, double b) { return std::pow(a, b); }},
    {"Min", [](double a, double b) { return std::min(a, b); }},
    {"Max", [](double a, double b) { return std::max(a, b); }},
    {"Sum", [](double a, double b) { return a + b; }},
    {"Equal", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
    {"Greater", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
    {"Less", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
    {"GreaterOrEqual", [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
    {"LessOrEqual", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
    {"And", [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }},
    {"Or", [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }},
    {"Not", [](double a, double) { return a == 0 ? 1.0 : 0.0; }},
    {"Neg", [](double a, double) { return -a; }},
    {"Abs", [](double a, double) { return std::fabs(a); }},
    {"Floor", [](double a, double) { return std::floor(a); }},
    {"Ceil", [](double a, double) { return std::ceil(a); }},
    {"Round", [](double a, double) { return std::nearbyint(a); }},
    {"Sqrt", [](double a, double) { return std::sqrt(a); }},
    {"Identity", [](double a, double) { return a; }},
    {"Relu", [](double a, double) { return std::max(a, 0.0); }},
};

const Function* function_of(const std::string& op) {
  for (const Function& one : kFunctions)
    if (one.op == op) return &one;
  return nullptr;
}

// Where element `index` of a tensor of shape `out` comes from in one of `shape` that is spread over
// it.
std::size_t source_index(std::size_t index, const Shape& out, const Shape& shape) {
  std::size_t source = 0, stride = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {  // from the last dimension
    const auto size = static_cast<std::size_t>(out[out.size() - 1 - i]);
    const auto own = static_cast<std::size_t>(shape[shape.size() - 1 - i]);
    const std::size_t at = index % size;
    index /= size;
    if (own != 1) source += at * stride;
    stride *= own;
  }
  return source;
}

double element(const NodeView& node, std::size_t input, std::size_t index, const Shape& out) {
  return (*node.in(input).numbers)[source_index(index, out, node.shape(input))];
}

double apply(const NodeView& node, const Function* function, std::size_t index, const Shape& out) {
  if (node.op() == "Where")
    return element(node, element(node, 0, index, out) != 0 ? 1 : 2, index, out);
  double value = element(node, 0, index, out);
  if (node.input_count() == 1) return function->of(value, 0);
  for (std::size_t i = 1; i < node.input_count(); ++i)
    value = function->of(value, element(node, i, index, out));
  return value;
}

// nullopt where an operand is not known, or the operation is none that shapes are made by.
std::optional<std::vector<double>> fold(const NodeView& node, const Facts& out) {
  const Function* function = function_of(node.op());
  if ((!function && node.op() != "Where") || elements(*out.shape) > kMaxNumbers)
    return std::nullopt;
  for (std::size_t i = 0; i < node.input_count(); ++i)
    if (!node.has(i) || !node.in(i).numbers) return std::nullopt;
  std::vector<double> numbers;
  for (std::size_t i = 0; i < static_cast<std::size_t>(elements(*out.shape)); ++i) {
    double value = apply(node, function, i, *out.shape);
    if (node.op() == "Div" && is_integer(out.type)) value = std::trunc(value);
    if (!std::isfinite(value)) return std::nullopt;
    numbers.push_back(value);
  }
  return numbers;
}

int result_type(const NodeView& node) {
  static constexpr std::string_view kBooleans[] = {
      "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And",
      "Or",    "Xor",     "Not",  "IsNaN",          "IsInf"};
  if (std::find(std::begin(kBooleans), std::end(kBooleans), node.op()) != std::end(kBooleans))
    return Type::BOOL;
  return node.in(node.op() == "Where" ? 1 : 0).type;
}

}  // namespace

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Result<Shape> broadcast(const NodeView& node, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {  // from the last dimension
    const std::int64_t of_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t of_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (of_a != of_b && of_a != 1 && of_b != 1)
      return node.fail("shapes that can be spread over each other",
                       shape_text(a) + " and " + shape_text(b));
    out[out.size() - 1 - i] = of_a == 1 ? of_b : of_a;
  }
  return out;
}

Result<Outputs> elementwise(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(node.op() == "Where" ? 3 : 1));
  Facts out;
  out.type = result_type(node);
  out.shape = node.shape(0);
  // Before opset 7 the second operand was laid over the first, at an axis that an attribute names.
  const bool spread = node.opset() >= 7;
  for (std::size_t i = 1; spread && i < node.input_count(); ++i) {
    if (!node.has(i)) continue;
    BT_TRY(shape, broadcast(node, *out.shape, node.shape(i)));
    out.shape = std::move(shape);
  }
  if (spread || node.input_count() == 1) out.numbers = fold(node, out);
  return Outputs{std::move(out)};
}

Result<Outputs> same_shape(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out = node.in(0);
  if (node.op() != "Dropout") out.numbers.reset();
  Outputs outputs{out};
  if (node.op() == "Dropout" && node.output_count() > 1) {
    out.type = Type::BOOL;
    outputs.push_back(out);
  }
  return outputs;
}

Result<Outputs> layer_normalization(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const bool skips = node.op() == "SkipLayerNormalization";  // input + skip, over the last dimension
  BT_TRY(axis, node.axis_of(skips ? -1 : node.integer("axis", -1), node.shape(0).size()));
  Facts out = node.in(0), statistics{Type::FLOAT, node.shape(0), {}};
  out.numbers.reset();
  std::fill(statistics.shape->begin() + static_cast<std::ptrdiff_t>(axis), statistics.shape->end(), 1);
  Outputs outputs{out, statistics, statistics};
  if (skips) outputs.push_back(out);
  return outputs;
}

Result<Outputs> cast(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out = node.in(0);
  if (node.op() == "CastLike") {
    BT_TRY_VOID(node.want_inputs(2));
    out.type = node.in(1).type;
  } else {
    out.type = static_cast<int>(node.integer("to", node.in(0).type));
  }
  if (out.numbers && is_integer(out.type))
    for (double& value : *out.numbers)
      value = out.type == Type::BOOL ? (value != 0 ? 1.0 : 0.0) : std::trunc(value);
  return Outputs{std::move(out)};
}

double no_work(const NodeView&, const Outputs&) {
  return 0;
}

double output_work(const NodeView&, const Outputs& outputs) {
  return outputs[0].shape ? static_cast<double>(elements(*outputs[0].shape)) : 0;
}

double input_work(const NodeView& node, const Outputs&) {
  return static_cast<double>(elements(node.shape(0)));
}

}  // namespace batchtune::onnx_file

// Element by element: of one tensor, of several, from one type to another.
#include "kernels/tensor/binary.h"
#include "kernels/tensor/cast.h"
#include "kernels/tensor/unary.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

constexpr char kMicrosoft[] = "com.microsoft";

// ---- one tensor ----

template <kt::Unary kOperation>
MadeCall unary(const CallNode&) {
  return Call{[](const CallData& data) {
    return kt::unary(data.context, kOperation, data.in[0], data.out[0]);
  }};
}

Call unary_with(kt::Unary operation, double alpha, double beta = 0) {
  return {[=](const CallData& data) {
    return kt::unary(data.context, operation, data.in[0], data.out[0], alpha, beta);
  }};
}

struct Parameter {
  const char* name;
  double otherwise;
};
constexpr Parameter kNone{"", 0};

struct ParameterRow {
  std::string_view op_type;
  kt::Unary operation;
  Parameter alpha, beta;
};
// What ONNX says where an attribute is absent.
constexpr ParameterRow kParameters[] = {
    {"Celu", kt::Unary::celu, {"alpha", 1}, kNone},
    {"Elu", kt::Unary::elu, {"alpha", 1}, kNone},
    {"HardSigmoid", kt::Unary::hard_sigmoid, {"alpha", 0.2}, {"beta", 0.5}},
    {"LeakyRelu", kt::Unary::leaky_relu, {"alpha", 0.01}, kNone},
    {"Selu",
     kt::Unary::selu,
     {"alpha", 1.67326319217681884765625},
     {"gamma", 1.05070102214813232421875}},
    {"Shrink", kt::Unary::shrink, {"lambd", 0.5}, {"bias", 0}},
    {"Swish", kt::Unary::swish, {"alpha", 1}, kNone},
    {"ThresholdedRelu", kt::Unary::thresholded_relu, {"alpha", 1}, kNone},
};

MadeCall unary_with_parameters(const CallNode& node) {
  for (const ParameterRow& row : kParameters)
    if (row.op_type == node.op())
      return unary_with(row.operation, number(node.node(), row.alpha.name, row.alpha.otherwise),
                        number(node.node(), row.beta.name, row.beta.otherwise));
  return no_call("no such operation");
}

MadeCall is_inf(const CallNode& node) {
  return unary_with(kt::Unary::is_inf,
                    static_cast<double>(integer(node.node(), "detect_negative", 1)),
                    static_cast<double>(integer(node.node(), "detect_positive", 1)));
}

MadeCall gelu(const CallNode& node) {
  const bool tanh = text(node.node(), "approximate", "none") == "tanh";
  return unary_with(tanh ? kt::Unary::gelu_tanh : kt::Unary::gelu, 0);
}

MadeCall quick_gelu(const CallNode& node) {
  return unary_with(kt::Unary::swish, number(node.node(), "alpha", 1.702));
}

// FastGelu and BiasGelu of com.microsoft: a function of x + bias, where there is a bias.
template <kt::Unary kOperation>
MadeCall biased(const CallNode&) {
  return Call{[](const CallData& data) {
    if (!data.is_there(1)) return kt::unary(data.context, kOperation, data.in[0], data.out[0]);
    const kt::Outcome sum =
        kt::binary(data.context, kt::Binary::add, data.in[0], data.in[1], data.out[0]);
    return sum ? kt::unary(data.context, kOperation, data.out[0], data.out[0]) : sum;
  }};
}

// Bounds were attributes before opset 11.
MadeCall clip(const CallNode& node) {
  if (node.opset() >= 11)
    return Call{[](const CallData& data) {
      return kt::clip(data.context, data.in[0], data.optional(1), data.optional(2), data.out[0]);
    }};
  const auto type = *kernel_type(node.type());
  std::optional<Single> low, high;
  const auto& attributes = node.node().attributes;
  if (attributes.count("min") != 0) low.emplace(number(node.node(), "min", 0), type);
  if (attributes.count("max") != 0) high.emplace(number(node.node(), "max", 0), type);
  return Call{[low, high](const CallData& data) {
    const kt::ConstTensor least = low ? low->tensor() : kt::ConstTensor{};
    const kt::ConstTensor most = high ? high->tensor() : kt::ConstTensor{};
    return kt::clip(data.context, data.in[0], low ? &least : nullptr, high ? &most : nullptr,
                    data.out[0]);
  }};
}

// ---- several tensors ----

// Before opset 7 the second operand lay along the first one's axes from `axis` on.
std::size_t ones_behind(const CallNode& node) {
  if (node.opset() >= 7 || integer(node.node(), "broadcast", 0) == 0) return 0;
  const std::size_t a = node.rank(0), b = node.rank(1);
  const auto axis = integer(node.node(), "axis", static_cast<std::int64_t>(a - b));
  const auto begin =
      static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(a) : axis);
  return begin + b <= a ? a - b - begin : 0;
}

kt::ConstTensor with_ones_behind(kt::ConstTensor tensor, std::size_t ones) {
  for (std::size_t i = 0; i < ones; ++i) tensor.shape.push_back(1);
  return tensor;
}

Call binary_call(kt::Binary operation, std::size_t ones) {
  return {[=](const CallData& data) {
    return kt::binary(data.context, operation, data.in[0], with_ones_behind(data.in[1], ones),
                      data.out[0]);
  }};
}

template <kt::Binary kOperation>
MadeCall binary(const CallNode& node) {
  return binary_call(kOperation, ones_behind(node));
}

MadeCall mod(const CallNode& node) {
  return binary_call(integer(node.node(), "fmod", 0) != 0 ? kt::Binary::fmod : kt::Binary::mod, 0);
}

MadeCall bit_shift(const CallNode& node) {
  const bool left = text(node.node(), "direction", "") == "LEFT";
  return binary_call(left ? kt::Binary::shift_left : kt::Binary::shift_right, 0);
}

// Before opset 7 the slopes were those of the channels.
MadeCall prelu(const CallNode& node) {
  const bool of_channels = node.opset() < 7 && node.rank(1) == 1 && node.rank(0) > 2;
  return binary_call(kt::Binary::prelu, of_channels ? node.rank(0) - 2 : 0);
}

template <kt::Variadic kOperation>
MadeCall variadic(const CallNode&) {
  return Call{[](const CallData& data) {
    return kt::variadic(data.context, kOperation, data.in, data.out[0]);
  }};
}

MadeCall where(const CallNode&) {
  return Call{[](const CallData& data) {
    return kt::where(data.context, data.in[0], data.in[1], data.in[2], data.out[0]);
  }};
}

// ---- types ----

MadeCall cast(const CallNode&) {
  return Call{[](const CallData& data) { return kt::cast(data.context, data.in[0], data.out[0]); }};
}

kt::Scaling scaling_of(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 1), node.rank());
  return {static_cast<std::int64_t>(axis.value_or(0)), integer(node.node(), "block_size", 0)};
}

MadeCall quantize(const CallNode& node) {
  return Call{[scaling = scaling_of(node)](const CallData& data) {
    return kt::quantize_linear(data.context, data.in[0], data.in[1], data.optional(2), scaling,
                               data.out[0]);
  }};
}

MadeCall dequantize(const CallNode& node) {
  return Call{[scaling = scaling_of(node)](const CallData& data) {
    return kt::dequantize_linear(data.context, data.in[0], data.in[1], data.optional(2), scaling,
                                 data.out[0]);
  }};
}

MadeCall dynamic_quantize(const CallNode& node) {
  for (std::size_t i = 0; i < 3; ++i)
    if (!node.has_output(i)) return no_call("an output that is left out");
  return Call{[](const CallData& data) {
    return kt::dynamic_quantize_linear(data.context, data.in[0], data.out[0], data.out[1],
                                       data.out[2]);
  }};
}

using U = kt::Unary;
using B = kt::Binary;

constexpr CallRow kRows[] = {
    {"", "Abs", unary<U::abs>},
    {"", "Acos", unary<U::acos>},
    {"", "Acosh", unary<U::acosh>},
    {"", "Asin", unary<U::asin>},
    {"", "Asinh", unary<U::asinh>},
    {"", "Atan", unary<U::atan>},
    {"", "Atanh", unary<U::atanh>},
    {"", "BitwiseNot", unary<U::bitwise_not>},
    {"", "Ceil", unary<U::ceil>},
    {"", "Celu", unary_with_parameters},
    {"", "Clip", clip},
    {"", "Cos", unary<U::cos>},
    {"", "Cosh", unary<U::cosh>},
    {"", "Elu", unary_with_parameters},
    {"", "Erf", unary<U::erf>},
    {"", "Exp", unary<U::exp>},
    {"", "Floor", unary<U::floor>},
    {"", "Gelu", gelu},
    {"", "HardSigmoid", unary_with_parameters},
    {"", "HardSwish", unary<U::hard_swish>},
    {"", "IsInf", is_inf},
    {"", "IsNaN", unary<U::is_nan>},
    {"", "LeakyRelu", unary_with_parameters},
    {"", "Log", unary<U::log>},
    {"", "Mish", unary<U::mish>},
    {"", "Neg", unary<U::neg>},
    {"", "Not", unary<U::logical_not>},
    {"", "Reciprocal", unary<U::reciprocal>},
    {"", "Relu", unary<U::relu>},
    {"", "Round", unary<U::round>},
    {"", "Selu", unary_with_parameters},
    {"", "Shrink", unary_with_parameters},
    {"", "Sigmoid", unary<U::sigmoid>},
    {"", "Sign", unary<U::sign>},
    {"", "Sin", unary<U::sin>},
    {"", "Sinh", unary<U::sinh>},
    {"", "Softplus", unary<U::softplus>},
    {"", "Softsign", unary<U::softsign>},
    {"", "Sqrt", unary<U::sqrt>},
    {"", "Swish", unary_with_parameters},
    {"", "Tan", unary<U::tan>},
    {"", "Tanh", unary<U::tanh>},
    {"", "ThresholdedRelu", unary_with_parameters},
    {kMicrosoft, "BiasGelu", biased<U::gelu>},
    {kMicrosoft, "FastGelu", biased<U::gelu_tanh>},
    {kMicrosoft, "Gelu", unary<U::gelu>},
    {kMicrosoft, "QuickGelu", quick_gelu},

    {"", "Add", binary<B::add>},
    {"", "And", binary<B::logical_and>},
    {"", "BitShift", bit_shift},
    {"", "BitwiseAnd", binary<B::bitwise_and>},
    {"", "BitwiseOr", binary<B::bitwise_or>},
    {"", "BitwiseXor", binary<B::bitwise_xor>},
    {"", "Div", binary<B::div>},
    {"", "Equal", binary<B::equal>},
    {"", "Greater", binary<B::greater>},
    {"", "GreaterOrEqual", binary<B::greater_or_equal>},
    {"", "Less", binary<B::less>},
    {"", "LessOrEqual", binary<B::less_or_equal>},
    {"", "Max", variadic<kt::Variadic::max>},
    {"", "Mean", variadic<kt::Variadic::mean>},
    {"", "Min", variadic<kt::Variadic::min>},
    {"", "Mod", mod},
    {"", "Mul", binary<B::mul>},
    {"", "Or", binary<B::logical_or>},
    {"", "PRelu", prelu},
    {"", "Pow", binary<B::pow>},
    {"", "Sub", binary<B::sub>},
    {"", "Sum", variadic<kt::Variadic::sum>},
    {"", "Where", where},
    {"", "Xor", binary<B::logical_xor>},

    {"", "Cast", cast},
    {"", "CastLike", cast},
    {"", "DequantizeLinear", dequantize},
    {"", "DynamicQuantizeLinear", dynamic_quantize},
    {"", "QuantizeLinear", quantize},
};

}  // namespace

std::span<const CallRow> arithmetic_calls() {
  return kRows;
}

}  // namespace batchtune::imported

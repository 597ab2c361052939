// Of several tensors, element by element, spread over each other.
#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

// Before opset 7 the second operand lay along the first one's axes from `axis` on.
Value second_operand(NodeWriter& n) {
  const Value b = n.in(1);
  if (n.opset() >= 7 || n.integer("broadcast", 0) == 0) return b;
  const std::int64_t rank = n.rank(0), own = n.rank(1);
  const std::int64_t given = n.integer("axis", rank - own);
  const std::int64_t begin = given < 0 ? given + rank : given;
  if (begin < 0 || begin + own > rank) return b;
  Shape shape = b.shape;
  shape.resize(static_cast<std::size_t>(rank - begin), 1);
  return n.w().reshaped(b, shape);
}

struct Operands {
  Formula a, b;  // of the output's shape
};
Operands operands(NodeWriter& n) {
  const Shape shape = n.out_shape();
  return {n.formula(n.spread(n.in(0), shape)), n.formula(n.spread(second_operand(n), shape))};
}

constexpr char kAdd[] = "add", kSubtract[] = "subtract", kMultiply[] = "multiply",
               kDivide[] = "divide", kAnd[] = "and", kOr[] = "or", kXor[] = "xor",
               kMaximum[] = "maximum", kMinimum[] = "minimum", kEqual[] = "EQ", kGreater[] = "GT",
               kGreaterOrEqual[] = "GE", kLess[] = "LT", kLessOrEqual[] = "LE";

template <const char* kOpcode>
Written binary(NodeWriter& n) {
  const auto [a, b] = operands(n);
  return a.with(kOpcode, b).value();
}

template <const char* kDirection>
Written comparison(NodeWriter& n) {
  const auto [a, b] = operands(n);
  return a.is(kDirection, b).value();
}

// The remainder has the divisor's sign, or with fmod the dividend's.
Written mod(NodeWriter& n) {
  const auto [a, b] = operands(n);
  const Formula rest = a.with("remainder", b);
  if (n.integer("fmod", 0) != 0 || is_unsigned(rest.value().element)) return rest.value();
  const Formula signs_differ = rest.is("LT", 0).with("xor", b.is("LT", 0));
  return rest.is("NE", 0).with("and", signs_differ).choose(rest + b, rest).value();
}

// Of signed integers to the right the sign comes along.
Written bit_shift(NodeWriter& n) {
  const auto [a, b] = operands(n);
  if (n.text("direction", "") == "LEFT") return a.with("shift-left", b).value();
  const bool keeps_sign = !is_unsigned(a.value().element);
  return a.with(keeps_sign ? "shift-right-arithmetic" : "shift-right-logical", b).value();
}

// Before opset 7 the slopes were those of the channels.
Written prelu(NodeWriter& n) {
  const Value x = n.in(0);
  const bool of_channels = n.opset() < 7 && n.rank(1) == 1 && n.rank(0) > 2;
  const Formula slope =
      n.formula(of_channels ? n.spread_along(n.in(1), 1, x.shape) : n.spread(n.in(1), x.shape));
  const Formula positive = n.formula(x);
  return positive.is("LT", 0).choose(positive * slope, positive).value();
}

// Exponents that are known, and the same everywhere, need no logarithm.
std::optional<Formula> simple_power(const Formula& x, double exponent) {
  const bool floats = is_float(x.value().element);
  if (exponent == 1) return x;
  if (exponent == 2) return x * x;
  if (exponent == 3) return x * x * x;
  if (exponent == 0.5 && floats) return x.of("sqrt");
  if (exponent == -0.5 && floats) return x.of("rsqrt");
  if (exponent == -1 && floats) return 1.0 / x;
  return std::nullopt;
}

// In the first operand's type; in f32 where the second is of floats and the first is not.
Written pow(NodeWriter& n) {
  const auto [a, b] = operands(n);
  const auto exponents = n.numbers(1);
  if (exponents && exponents->size() == 1) {
    if (const auto simple = simple_power(n.formula(n.wide(a.value())), exponents->front()))
      return n.narrow(simple->value());
  }
  const HloElement element = a.value().element;
  const bool whole = !is_float(element) && !is_float(b.value().element);
  const HloElement within = whole || element == HloElement::f64 ? element : HloElement::f32;
  const Formula power = n.formula(n.w().converted(a.value(), within))
                            .with("power", n.formula(n.w().converted(b.value(), within)));
  if (whole || is_float(element)) return n.narrow(power.value());
  return n.narrow(power.of("round-nearest-even").value());
}

template <const char* kOpcode>
Written variadic(NodeWriter& n) {
  const Shape shape = n.out_shape();
  Formula result = n.formula(n.spread(n.in(0), shape));
  for (std::size_t i = 1; i < n.input_count(); ++i)
    result = result.with(kOpcode, n.formula(n.spread(n.in(i), shape)));
  return result.value();
}

Written mean(NodeWriter& n) {
  const Shape shape = n.out_shape();
  Formula sum = n.formula(n.wide(n.spread(n.in(0), shape)));
  for (std::size_t i = 1; i < n.input_count(); ++i)
    sum = sum + n.formula(n.wide(n.spread(n.in(i), shape)));
  return n.narrow((sum / static_cast<double>(n.input_count())).value());
}

Written where(NodeWriter& n) {
  const Shape shape = n.out_shape();
  return n.w().selected(n.spread(n.in(0), shape), n.spread(n.in(1), shape),
                        n.spread(n.in(2), shape));
}

constexpr NodeRow kRows[] = {
    {"", "Add", binary<kAdd>},
    {"", "And", binary<kAnd>},
    {"", "BitShift", bit_shift},
    {"", "BitwiseAnd", binary<kAnd>},
    {"", "BitwiseOr", binary<kOr>},
    {"", "BitwiseXor", binary<kXor>},
    {"", "Div", binary<kDivide>},
    {"", "Equal", comparison<kEqual>},
    {"", "Greater", comparison<kGreater>},
    {"", "GreaterOrEqual", comparison<kGreaterOrEqual>},
    {"", "Less", comparison<kLess>},
    {"", "LessOrEqual", comparison<kLessOrEqual>},
    {"", "Max", variadic<kMaximum>},
    {"", "Mean", mean},
    {"", "Min", variadic<kMinimum>},
    {"", "Mod", mod},
    {"", "Mul", binary<kMultiply>},
    {"", "Or", binary<kOr>},
    {"", "PRelu", prelu},
    {"", "Pow", pow},
    {"", "Sub", binary<kSubtract>},
    {"", "Sum", variadic<kAdd>},
    {"", "Where", where},
    {"", "Xor", binary<kXor>},
};

}  // namespace

std::span<const NodeRow> arithmetic_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

// Functions of one tensor, element by element; in f32 where the elements have fewer bits.
#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

constexpr char kMicrosoft[] = "com.microsoft";

using F = Formula;

Formula negative(const F& x) {
  return -x;
}
Formula reciprocal(const F& x) {
  return 1.0 / x;
}
Formula relu(const F& x) {
  return most(x, 0);
}
Formula absolute(const F& x) {
  return is_unsigned(x.value().element) ? x : x.of("abs");
}
Formula sign(const F& x) {
  return is_unsigned(x.value().element) ? least(x, 1) : x.of("sign");
}
Formula floor_of(const F& x) {
  return x.of("floor");
}
Formula ceiling(const F& x) {
  return x.of("ceil");
}
Formula rounded(const F& x) {
  return x.of("round-nearest-even");
}
Formula inverse(const F& x) {
  return x.of("not");
}  // of truth values and bits

Formula root(const F& x) {
  return x.of("sqrt");
}
Formula power_of_e(const F& x) {
  return x.of("exponential");
}
Formula logarithm(const F& x) {
  return x.of("log");
}
Formula sine(const F& x) {
  return x.of("sine");
}
Formula cosine(const F& x) {
  return x.of("cosine");
}
Formula tangent(const F& x) {
  return x.of("sine") / x.of("cosine");
}
Formula tanh_of(const F& x) {
  return x.of("tanh");
}
Formula sigmoid(const F& x) {
  return x.of("logistic");
}

// By atan2, which every XLA has.
Formula arc_tangent(const F& x) {
  return x.with("atan2", 1);
}
Formula other_side(const F& x) {
  return ((x.all(1) - x) * (x + 1)).of("sqrt");
}
Formula arc_sine(const F& x) {
  return x.with("atan2", other_side(x));
}
Formula arc_cosine(const F& x) {
  return other_side(x).with("atan2", x);
}

// exp(x) - 1 keeps the bits that small ones would lose.
Formula hyperbolic_sine(const F& x) {
  const F less = x.of("exponential-minus-one");
  return (less + less / (less + 1)) * 0.5;
}
Formula hyperbolic_cosine(const F& x) {
  return (x.of("exponential") + (-x).of("exponential")) * 0.5;
}
Formula area_sine(const F& x) {
  const F size = x.of("abs"), square = size * size;
  const F sum = size + square / ((square + 1).of("sqrt") + 1);
  return x.of("sign") * sum.of("log-plus-one");
}
Formula area_cosine(const F& x) {
  return (x + ((x + 1) * (x - 1)).of("sqrt")).of("log");
}
Formula area_tangent(const F& x) {
  return (x.of("log-plus-one") - (-x).of("log-plus-one")) * 0.5;
}

Formula hard_swish(const F& x) {
  return x * least(most(x * (1.0 / 6) + 0.5, 0), 1);
}
Formula mish(const F& x) {
  return x * softplus(x).of("tanh");
}
Formula softsign(const F& x) {
  return x / (x.of("abs") + 1);
}

template <Formula (*kFunction)(const Formula&)>
Written function(NodeWriter& n) {
  return n.narrow(kFunction(n.formula(n.wide(n.in()))).value());
}

// Exact in any type.
template <Formula (*kFunction)(const Formula&)>
Written plain(NodeWriter& n) {
  return n.narrow(kFunction(n.formula(n.in())).value());
}

// ---- with parameters: what ONNX says where an attribute is absent ----

Written finished(NodeWriter& n, const Formula& result) {
  return n.narrow(result.value());
}

Written elu(NodeWriter& n) {
  const F x = n.formula(n.wide(n.in()));
  return finished(n, x.is("GT", 0).choose(x, x.of("exponential-minus-one") * n.number("alpha", 1)));
}

Written celu(NodeWriter& n) {
  const F x = n.formula(n.wide(n.in()));
  const double alpha = n.number("alpha", 1);
  return finished(n, most(x, 0) + least((x / alpha).of("exponential-minus-one") * alpha, 0));
}

Written selu(NodeWriter& n) {
  const F x = n.formula(n.wide(n.in()));
  const double alpha = n.number("alpha", 1.67326319217681884765625);
  const F below = x.of("exponential-minus-one") * alpha;
  return finished(n, x.is("GT", 0).choose(x, below) * n.number("gamma", 1.05070102214813232421875));
}

Written hard_sigmoid(NodeWriter& n) {
  const F x = n.formula(n.wide(n.in()));
  return finished(n, least(most(x * n.number("alpha", 0.2) + n.number("beta", 0.5), 0), 1));
}

Written leaky_relu(NodeWriter& n) {
  const F x = n.formula(n.wide(n.in()));
  return finished(n, x.is("GE", 0).choose(x, x * n.number("alpha", 0.01)));
}

Written thresholded_relu(NodeWriter& n) {
  const F x = n.formula(n.in());
  return finished(n, x.is("GT", n.number("alpha", 1)).choose(x, x.all(0)));
}

Written shrink(NodeWriter& n) {
  const F x = n.formula(n.in());
  const double lambda = n.number("lambd", 0.5), bias = n.number("bias", 0);
  const F middle = x.is("GT", lambda).choose(x - bias, x.all(0));
  return finished(n, x.is("LT", -lambda).choose(x + bias, middle));
}

Written swish_of_alpha(NodeWriter& n) {
  return finished(n, swish(n.formula(n.wide(n.in())), n.number("alpha", 1)));
}

Written gelu(NodeWriter& n) {
  const F x = n.formula(n.wide(n.in()));
  return finished(n, n.text("approximate", "none") == "tanh" ? gelu_tanh(x) : gelu_erf(x));
}

Written quick_gelu(NodeWriter& n) {
  return finished(n, swish(n.formula(n.wide(n.in())), n.number("alpha", 1.702)));
}

// FastGelu and BiasGelu of com.microsoft: a function of x + bias, where there is a bias.
template <Formula (*kFunction)(const Formula&)>
Written biased(NodeWriter& n) {
  F x = n.formula(n.wide(n.in()));
  if (n.has(1)) x = x + n.formula(n.wide(n.spread(n.in(1), x.value().shape)));
  return finished(n, kFunction(x));
}

// Bounds were attributes before opset 11.
Written clip(NodeWriter& n) {
  F x = n.formula(n.in());
  const bool by_inputs = n.opset() >= 11;
  const auto bound = [&](std::size_t input, const char* name, const char* opcode) {
    if (by_inputs && n.has(input))
      x = x.with(opcode, n.formula(n.spread(n.in(input), x.value().shape)));
    else if (!by_inputs && n.has_attribute(name))
      x = x.with(opcode, n.number(name, 0));
  };
  bound(1, "min", "maximum");
  bound(2, "max", "minimum");
  return finished(n, x);
}

Written is_nan(NodeWriter& n) {
  const F x = n.formula(n.in());
  return x.is("NE", x).value();
}

Written is_inf(NodeWriter& n) {
  const F x = n.formula(n.in());
  const double infinity = most_of(HloElement::f32);
  const F above = x.is("EQ", infinity), below = x.is("EQ", -infinity);
  const bool up = n.integer("detect_positive", 1) != 0, down = n.integer("detect_negative", 1) != 0;
  if (up && down) return above.with("or", below).value();
  return up ? above.value() : down ? below.value() : above.all(0).value();
}

constexpr NodeRow kRows[] = {
    {"", "Abs", plain<absolute>},
    {"", "Acos", function<arc_cosine>},
    {"", "Acosh", function<area_cosine>},
    {"", "Asin", function<arc_sine>},
    {"", "Asinh", function<area_sine>},
    {"", "Atan", function<arc_tangent>},
    {"", "Atanh", function<area_tangent>},
    {"", "BitwiseNot", plain<inverse>},
    {"", "Ceil", plain<ceiling>},
    {"", "Celu", celu},
    {"", "Clip", clip},
    {"", "Cos", function<cosine>},
    {"", "Cosh", function<hyperbolic_cosine>},
    {"", "Elu", elu},
    {"", "Erf", function<erf>},
    {"", "Exp", function<power_of_e>},
    {"", "Floor", plain<floor_of>},
    {"", "Gelu", gelu},
    {"", "HardSigmoid", hard_sigmoid},
    {"", "HardSwish", function<hard_swish>},
    {"", "IsInf", is_inf},
    {"", "IsNaN", is_nan},
    {"", "LeakyRelu", leaky_relu},
    {"", "Log", function<logarithm>},
    {"", "Mish", function<mish>},
    {"", "Neg", plain<negative>},
    {"", "Not", plain<inverse>},
    {"", "Reciprocal", function<reciprocal>},
    {"", "Relu", plain<relu>},
    {"", "Round", plain<rounded>},
    {"", "Selu", selu},
    {"", "Shrink", shrink},
    {"", "Sigmoid", function<sigmoid>},
    {"", "Sign", plain<sign>},
    {"", "Sin", function<sine>},
    {"", "Sinh", function<hyperbolic_sine>},
    {"", "Softplus", function<softplus>},
    {"", "Softsign", function<softsign>},
    {"", "Sqrt", function<root>},
    {"", "Swish", swish_of_alpha},
    {"", "Tan", function<tangent>},
    {"", "Tanh", function<tanh_of>},
    {"", "ThresholdedRelu", thresholded_relu},
    {kMicrosoft, "BiasGelu", biased<gelu_erf>},
    {kMicrosoft, "FastGelu", biased<gelu_tanh>},
    {kMicrosoft, "Gelu", function<gelu_erf>},
    {kMicrosoft, "QuickGelu", quick_gelu},
};

}  // namespace

std::span<const NodeRow> function_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

// Softmax and normalisation along axes.
#include "tuner/workload/hlo/imported/norms.h"

namespace batchtune::hlo {
namespace {

constexpr char kNoSuchAxis[] = "an axis that the input does not have";

// Before opset 13 over the axis and all behind it, by default all but the first.
std::optional<Numbers> axes_of_softmax(const NodeWriter& n) {
  const bool from_axis = n.opset() < 13;
  const auto axis = NodeWriter::axis(n.integer("axis", from_axis ? 1 : -1), n.rank());
  if (!axis) return std::nullopt;
  return counted(*axis, from_axis ? n.rank() : *axis + 1);
}

// Less the largest along the axes, which changes nothing but that no exponential overflows.
Formula held(NodeWriter& n, const Value& x, const Numbers& axes) {
  const Value largest = n.folded(Fold::maximum, x, axes);
  return n.formula(x) - n.formula(n.spread(largest, x.shape));
}

Formula sum_along(NodeWriter& n, const Formula& x, const Numbers& axes) {
  return n.formula(n.folded(Fold::sum, x.value(), axes));
}

Formula everywhere(NodeWriter& n, const Formula& x, const Shape& to) {
  return n.formula(n.spread(x.value(), to));
}

Written softmax(NodeWriter& n) {
  const auto axes = axes_of_softmax(n);
  if (!axes) return not_written(kNoSuchAxis);
  const Value x = n.wide(n.in());
  const Formula powers = held(n, x, *axes).of("exponential");
  return n.narrow((powers / everywhere(n, sum_along(n, powers, *axes), x.shape)).value());
}

Written log_softmax(NodeWriter& n) {
  const auto axes = axes_of_softmax(n);
  if (!axes) return not_written(kNoSuchAxis);
  const Value x = n.wide(n.in());
  const Formula less = held(n, x, *axes);
  const Formula sum = sum_along(n, less.of("exponential"), *axes).of("log");
  return n.narrow((less - everywhere(n, sum, x.shape)).value());
}

// 1 at the first largest, 0 elsewhere; several axes are one.
Written hardmax(NodeWriter& n) {
  const auto axes = axes_of_softmax(n);
  if (!axes) return not_written(kNoSuchAxis);
  const Shape shape = n.shape();
  Shape flat(shape.begin(), shape.begin() + axes->front() + 1);
  for (std::size_t i = 1; i < axes->size(); ++i)
    flat.back() *= shape[static_cast<std::size_t>((*axes)[i])];
  if (axes->size() == 1) flat = shape;
  const Numbers one = {axes->front()};
  const Value x = n.w().reshaped(n.in(), flat);
  const Formula is_largest =
      n.formula(x).is("EQ", n.formula(n.spread(n.folded(Fold::maximum, x, one), flat)));
  const Formula places = n.formula(n.w().numbered(flat, one[0]));
  const Formula candidates = is_largest.choose(places, places.all(1e9));
  const Value first = n.spread(n.folded(Fold::minimum, candidates.value(), one), flat);
  return n.w().converted(places.is("EQ", n.formula(first)).value(), x.element);
}

}  // namespace

Normalised normalise(NodeWriter& n, const Value& x, const Numbers& axes, double epsilon) {
  const Value mean = n.mean(x, axes);
  const Formula centred = n.formula(x) - n.formula(n.spread(mean, x.shape));
  const Formula variance = n.formula(n.mean((centred * centred).value(), axes));
  const Formula inverse = (variance + epsilon).of("rsqrt");
  return {centred * everywhere(n, inverse, x.shape), n.formula(mean), inverse};
}

namespace {

Formula parameter(NodeWriter& n, std::size_t i, const Shape& to) {
  return n.formula(n.spread(n.wide(n.in(i)), to));
}

Written layer_norm_of(NodeWriter& n, const Value& x, std::int64_t axis, std::size_t gain,
                      double epsilon) {
  auto [result, mean, inverse] = normalise(n, x, counted(axis, std::ssize(x.shape)), epsilon);
  if (n.has(gain)) result = result * parameter(n, gain, x.shape);
  if (n.has(gain + 1)) result = result + parameter(n, gain + 1, x.shape);
  return Outputs(std::vector<Value>{n.narrow(result.value()), mean.value(), inverse.value()});
}

Written layer_normalization(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", -1), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  return layer_norm_of(n, n.wide(n.in()), *axis, 1, n.number("epsilon", 1e-5));
}

// com.microsoft: of input + skip [+ bias], over the last axis. The sum is the fourth output.
Written skip_layer_normalization(NodeWriter& n) {
  constexpr std::size_t kGain = 2, kBias = 4;
  if (n.rank() == 0) return not_written("an input without dimensions");
  Formula sum = n.formula(n.in(0)) + n.formula(n.spread(n.in(1), n.shape()));
  if (n.has(kBias)) sum = sum + n.formula(n.spread(n.in(kBias), n.shape()));
  Written written =
      layer_norm_of(n, n.wide(sum.value()), n.rank() - 1, kGain, n.number("epsilon", 1e-12));
  if (written) written->values.push_back(sum.value());
  return written;
}

Written rms_normalization(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", -1), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  const Formula x = n.formula(n.wide(n.in()));
  const Shape shape = x.value().shape;
  const Formula square = n.formula(n.mean((x * x).value(), counted(*axis, n.rank())));
  const Formula inverse = (square + n.number("epsilon", 1e-5)).of("rsqrt");
  return n.narrow((x * everywhere(n, inverse, shape) * parameter(n, 1, shape)).value());
}

// Of nothing but zeros it is zeros.
Written lp_normalization(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", -1), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  const std::int64_t p = n.integer("p", 2);
  if (p != 1 && p != 2) return not_written("p = " + std::to_string(p));
  const Formula x = n.formula(n.wide(n.in()));
  const Formula sum = sum_along(n, p == 1 ? x.of("abs") : x * x, {*axis});
  const Formula norm = everywhere(n, p == 1 ? sum : sum.of("sqrt"), x.value().shape);
  return n.narrow(norm.is("EQ", 0).choose(norm, x / norm).value());
}

Written mean_variance_normalization(NodeWriter& n) {
  constexpr double kLeast = 1e-9;  // of the deviation
  Numbers axes = n.integers("axes");
  if (axes.empty()) axes = {0, 2, 3};
  for (std::int64_t& given : axes) {
    const auto axis = NodeWriter::axis(given, n.rank());
    if (!axis) return not_written(kNoSuchAxis);
    given = *axis;
  }
  const Value x = n.wide(n.in());
  const Formula centred = n.formula(x) - n.formula(n.spread(n.mean(x, axes), x.shape));
  const Formula deviation = n.formula(n.mean((centred * centred).value(), axes)).of("sqrt");
  return n.narrow((centred / everywhere(n, deviation + kLeast, x.shape)).value());
}

constexpr NodeRow kRows[] = {
    {"", "Hardmax", hardmax},
    {"", "LayerNormalization", layer_normalization},
    {"", "LogSoftmax", log_softmax},
    {"", "LpNormalization", lp_normalization},
    {"", "MeanVarianceNormalization", mean_variance_normalization},
    {"", "RMSNormalization", rms_normalization},
    {"", "Softmax", softmax},
    {"com.microsoft", "LayerNormalization", layer_normalization},
    {"com.microsoft", "SkipLayerNormalization", skip_layer_normalization},
};

}  // namespace

std::span<const NodeRow> norm_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

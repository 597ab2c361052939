// From one element type to another: casts and quantisation.
#include <algorithm>

#include "tuner/workload/hlo/imported/quantised.h"

namespace batchtune::hlo {
namespace {

Written cast(NodeWriter& n) {
  const Value x = n.in();
  if (n.out_element() == HloElement::pred && x.element != HloElement::pred)
    return n.formula(x).is("NE", 0).value();
  return n.narrow(x);
}

// Scale or zero point, everywhere: one for all, one for each index along `axis`, or one for each
// block along it.
tl::expected<Value, std::string> spread_scale(NodeWriter& n, const Value& scale, const Shape& to) {
  if (elements(scale.shape) == 1) return n.spread(n.w().reshaped(scale, {}), to);
  const auto axis = NodeWriter::axis(n.integer("axis", 1), std::ssize(to));
  if (!axis) return not_written("an axis that the input does not have");
  if (scale.shape.size() == 1 && to.size() != 1) return n.spread_along(scale, *axis, to);
  if (scale.shape == to) return scale;
  const std::int64_t block = n.integer("block_size", 0);
  const auto place = static_cast<std::size_t>(*axis);
  if (block < 1 || scale.shape.size() != to.size()) return not_written("scales of another shape");
  Numbers indices;
  for (std::int64_t i = 0; i < to[place]; ++i) indices.push_back(i / block);
  if (indices.back() >= scale.shape[place]) return not_written("scales of another shape");
  return n.taken(scale, *axis, indices);
}

bool is_small_integer(HloElement element) {
  return element == HloElement::s8 || element == HloElement::u8 || element == HloElement::s16 ||
         element == HloElement::u16;
}

Written quantize(NodeWriter& n) {
  const HloElement element = n.out_element();
  if (!is_small_integer(element)) return not_written("a type other than 8 and 16 bits");
  const Value x = n.w().converted(n.in(), HloElement::f32);
  const auto scale = spread_scale(n, n.w().converted(n.exact(1), HloElement::f32), x.shape);
  if (!scale) return not_written(scale.error());
  Formula whole = (n.formula(x) / n.formula(*scale)).of("round-nearest-even");
  if (n.has(2)) {
    const auto zero = spread_scale(n, n.w().converted(n.in(2), HloElement::f32), x.shape);
    if (!zero) return not_written(zero.error());
    whole = whole + n.formula(*zero);
  }
  return n.narrow(held(whole, element).value());
}

Written dequantize(NodeWriter& n) {
  Value x = n.w().converted(n.in(), HloElement::s32);
  if (n.has(2)) {
    const auto zero = spread_scale(n, n.w().converted(n.in(2), HloElement::s32), x.shape);
    if (!zero) return not_written(zero.error());
    x = n.w().binary("subtract", x, *zero);
  }
  const auto scale = spread_scale(n, n.w().converted(n.exact(1), HloElement::f32), x.shape);
  if (!scale) return not_written(scale.error());
  return n.narrow((n.formula(n.w().converted(x, HloElement::f32)) * n.formula(*scale)).value());
}

// To u8, by the range that the values have; zero is within it.
Written dynamic_quantize(NodeWriter& n) {
  constexpr double kSteps = 255;
  const Value x = n.w().converted(n.in(), HloElement::f32);
  const Numbers all = counted(0, std::ssize(x.shape));
  const Formula highest = most(n.formula(n.w().folded(Fold::maximum, x, all)), 0);
  const Formula lowest = least(n.formula(n.w().folded(Fold::minimum, x, all)), 0);
  const Formula scale = (highest - lowest) / kSteps;
  const Formula zero = held((-lowest / scale).of("round-nearest-even"), HloElement::u8);
  const auto everywhere = [&](const Formula& one) {
    return n.formula(n.spread(one.value(), x.shape));
  };
  const Formula whole = (n.formula(x) / everywhere(scale)).of("round-nearest-even");
  return Outputs({n.narrow(held(whole + everywhere(zero), HloElement::u8).value(), 0),
                  n.narrow(scale.value(), 1), n.w().converted(zero.value(), HloElement::u8)});
}

constexpr NodeRow kRows[] = {
    {"", "Cast", cast},
    {"", "CastLike", cast},
    {"", "DequantizeLinear", dequantize},
    {"", "DynamicQuantizeLinear", dynamic_quantize},
    {"", "QuantizeLinear", quantize},
};

}  // namespace

std::span<const NodeRow> type_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

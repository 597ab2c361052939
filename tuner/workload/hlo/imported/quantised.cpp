#include "tuner/workload/hlo/imported/quantised.h"

namespace batchtune::hlo {
namespace {

Value along(NodeWriter& n, const Value& x, std::int64_t axis, const Shape& to) {
  const bool is_vector = x.shape.size() == 1 && x.shape[0] > 1;
  return is_vector ? n.spread_along(x, axis, to) : n.spread(x, to);
}

Formula scale_of(NodeWriter& n, ScaleOf scale, const Shape& to) {
  const Value exact = n.w().converted(n.exact(scale.input), HloElement::f32);
  return n.formula(along(n, exact, scale.axis, to));
}

}  // namespace

Value without_zero_point(NodeWriter& n, std::size_t i, std::size_t zero, std::int64_t axis) {
  const Value x = n.w().converted(n.in(i), HloElement::s32);
  if (!n.has(zero)) return x;
  const Value point = n.w().converted(n.in(zero), HloElement::s32);
  return n.w().binary("subtract", x, along(n, point, axis, x.shape));
}

Value requantised(NodeWriter& n, const Value& sum, ScaleOf a, ScaleOf b, std::size_t out_scale,
                  std::size_t out_zero) {
  const Shape& shape = sum.shape;
  const Formula exact = n.formula(n.w().converted(sum, HloElement::f32));
  const Formula scale =
      scale_of(n, a, shape) * scale_of(n, b, shape) / scale_of(n, {out_scale, 0}, shape);
  const Value zero = n.spread(n.w().converted(n.in(out_zero), HloElement::f32), shape);
  const Formula whole = (exact * scale).of("round-nearest-even") + n.formula(zero);
  return n.narrow(held(whole, n.out_element()).value());
}

Formula held(const Formula& x, HloElement element) {
  return least(most(x, least_of(element)), most_of(element));
}

}  // namespace batchtune::hlo

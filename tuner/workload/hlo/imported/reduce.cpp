// Reductions, places of extremes, the k largest, running sums.
#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

constexpr char kNoSuchAxis[] = "an axis that the input does not have";

// Axes are an attribute, and from opset 18 on (13 of ReduceSum) an input. None: all of them, or
// with noop_with_empty_axes every element by itself.
tl::expected<Numbers, std::string> axes_of(const NodeWriter& n) {
  Numbers given = n.integers("axes");
  if (n.has(1)) {
    const auto known = n.whole_numbers(1);
    if (!known) return not_written("axes that depend on data");
    given = *known;
  }
  if (given.empty())
    return n.integer("noop_with_empty_axes", 0) != 0 ? Numbers{} : counted(0, n.rank());
  for (std::int64_t& one : given) {
    const auto axis = NodeWriter::axis(one, n.rank());
    if (!axis) return not_written(kNoSuchAxis);
    one = *axis;
  }
  return given;
}

// The sum of a function of the elements, and a function of the sum.
using Function = Formula (*)(const Formula&);
template <Function kBefore, Function kAfter>
Written sum(NodeWriter& n) {
  const auto axes = axes_of(n);
  if (!axes) return not_written(axes.error());
  const Formula x = kBefore(n.formula(n.wide(n.in())));
  return n.narrow(kAfter(n.formula(n.folded(Fold::sum, x.value(), *axes))).value());
}
Formula same(const Formula& x) {
  return x;
}
Formula absolute(const Formula& x) {
  return is_unsigned(x.value().element) ? x : x.of("abs");
}
Formula square(const Formula& x) {
  return x * x;
}
// Of integers too, in f32.
template <char kOf>
Formula function_of_sum(const Formula& x) {
  const char* const opcode = kOf == 'r' ? "sqrt" : "log";
  return is_float(x.value().element) ? x.of(opcode) : x.as(HloElement::f32).of(opcode);
}

Written mean(NodeWriter& n) {
  const auto axes = axes_of(n);
  if (!axes) return not_written(axes.error());
  return n.narrow(n.mean(n.wide(n.in()), *axes));
}

template <Fold kFold>
Written extreme(NodeWriter& n) {
  const auto axes = axes_of(n);
  if (!axes) return not_written(axes.error());
  const Value x = n.in();
  const Fold of_truth = kFold == Fold::maximum ? Fold::any : Fold::all;
  return n.folded(x.element == HloElement::pred ? of_truth : kFold, x, *axes);
}

Written product(NodeWriter& n) {
  const auto axes = axes_of(n);
  if (!axes) return not_written(axes.error());
  return n.narrow(n.folded(Fold::product, n.wide(n.in()), *axes));
}

// Less the largest, so that no exponential overflows; of minus infinity alone it is that.
Written log_sum_exp(NodeWriter& n) {
  const auto axes = axes_of(n);
  if (!axes) return not_written(axes.error());
  Value x = n.wide(n.in());
  if (!is_float(x.element)) x = n.w().converted(x, HloElement::f32);
  const Formula largest = n.formula(n.folded(Fold::maximum, x, *axes));
  const Formula finite = most(least(largest, 1e38), -1e38);
  const Formula powers =
      (n.formula(x) - n.formula(n.spread(finite.value(), x.shape))).of("exponential");
  const Formula sum = n.formula(n.folded(Fold::sum, powers.value(), *axes));
  return n.narrow((sum.of("log") + finite).value());
}

// The first, or last, place at which the extreme is.
template <Fold kFold>
Written arg_extreme(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", 0), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  const bool last = n.integer("select_last_index", 0) != 0;
  const Value x = n.in();
  const Value extreme = n.spread(n.folded(kFold, x, {*axis}), x.shape);
  const Formula places = n.formula(n.w().numbered(x.shape, *axis));
  const Formula others = places.all(last ? -1 : 1e9);
  const Formula candidates = n.formula(x).is("EQ", n.formula(extreme)).choose(places, others);
  return n.narrow(n.folded(last ? Fold::maximum : Fold::minimum, candidates.value(), {*axis}));
}

// k is what the shapes of the outputs say.
Written top_k(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", -1), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  if (!n.has_output(0) || !n.has_output(1)) return not_written("an output that is left out");
  const auto [values, places] = n.w().sorted(n.in(), *axis, n.integer("largest", 1) != 0);
  const std::int64_t k = n.out_shape()[static_cast<std::size_t>(*axis)];
  return Outputs(std::vector<Value>{n.w().sliced(values, *axis, 0, k),
                                    n.narrow(n.w().sliced(places, *axis, 0, k), 1)});
}

// A window over all before each element, itself included unless `exclusive`.
template <Fold kFold>
Written cumulate(NodeWriter& n) {
  const auto given = n.whole_numbers(1);
  if (!given || given->size() != 1) return not_written("an axis that depends on data");
  const auto axis = NodeWriter::axis(given->front(), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  const Value x = n.wide(n.in());
  const auto place = static_cast<std::size_t>(*axis);
  const std::int64_t ahead = x.shape[place] - 1 + (n.integer("exclusive", 0) != 0 ? 1 : 0);
  const std::int64_t behind = x.shape[place] - 1 - ahead;
  const bool reverse = n.integer("reverse", 0) != 0;
  std::vector<WindowAxis> window(x.shape.size());
  window[place] = {
      .size = x.shape[place], .low = reverse ? behind : ahead, .high = reverse ? ahead : behind};
  return n.narrow(n.w().folded_windows(kFold, x, window));
}

constexpr NodeRow kRows[] = {
    {"", "ArgMax", arg_extreme<Fold::maximum>},
    {"", "ArgMin", arg_extreme<Fold::minimum>},
    {"", "CumProd", cumulate<Fold::product>},
    {"", "CumSum", cumulate<Fold::sum>},
    {"", "ReduceL1", sum<absolute, same>},
    {"", "ReduceL2", sum<square, function_of_sum<'r'>>},
    {"", "ReduceLogSum", sum<same, function_of_sum<'l'>>},
    {"", "ReduceLogSumExp", log_sum_exp},
    {"", "ReduceMax", extreme<Fold::maximum>},
    {"", "ReduceMean", mean},
    {"", "ReduceMin", extreme<Fold::minimum>},
    {"", "ReduceProd", product},
    {"", "ReduceSum", sum<same, same>},
    {"", "ReduceSumSquare", sum<square, same>},
    {"", "TopK", top_k},
};

}  // namespace

std::span<const NodeRow> reduce_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

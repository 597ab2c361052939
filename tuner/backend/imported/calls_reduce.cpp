// Reductions, places of extremes, the k largest, running sums.
#include "kernels/tensor/reduce.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

// Axes counted from the front; nullopt where one is out of range or comes twice.
std::optional<std::vector<std::int64_t>> resolved(const std::vector<std::int64_t>& axes,
                                                  std::size_t rank) {
  std::vector<bool> seen(rank, false);
  std::vector<std::int64_t> from_front;
  for (const std::int64_t given : axes) {
    const auto axis = CallNode::axis(given, rank);
    if (!axis || seen[*axis]) return std::nullopt;
    seen[*axis] = true;
    from_front.push_back(static_cast<std::int64_t>(*axis));
  }
  return from_front;
}

std::vector<std::int64_t> all_axes(std::size_t rank) {
  std::vector<std::int64_t> axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i);
  return axes;
}

// Axes are an attribute, and from opset 18 on (13 of ReduceSum) an input. None: all of them, or
// with noop_with_empty_axes every element by itself.
template <kt::Reduce operation>
MadeCall reduce(const CallNode& node) {
  const bool none_is_none = integer(node.node(), "noop_with_empty_axes", 0) != 0;
  return Call{[attribute = integers(node.node(), "axes"), none_is_none](const CallData& data) {
    const std::size_t rank = data.in[0].shape.size();
    const auto axes = resolved(data.is_there(1) ? whole_numbers(data.in[1]) : attribute, rank);
    if (!axes) return kt::Outcome{"axes that the input does not have"};
    const bool all = axes->empty() && !none_is_none;
    return kt::reduce(data.context, operation, data.in[0], all ? all_axes(rank) : *axes,
                      data.out[0]);
  }};
}

template <kt::Extreme extreme>
MadeCall arg_reduce(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 0), node.rank());
  if (!axis) return no_call("an axis that the input does not have");
  const bool last = integer(node.node(), "select_last_index", 0) != 0;
  return Call{[axis = *axis, last](const CallData& data) {
    return kt::arg_reduce(data.context, extreme, data.in[0], axis, last, data.out[0]);
  }};
}

// k is what the shapes of the outputs say, so where it comes from does not matter.
MadeCall top_k(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", -1), node.rank());
  if (!axis) return no_call("an axis that the input does not have");
  if (!node.has_output(0) || !node.has_output(1)) return no_call("an output that is left out");
  const auto extreme =
      integer(node.node(), "largest", 1) != 0 ? kt::Extreme::largest : kt::Extreme::smallest;
  return Call{[axis = *axis, extreme](const CallData& data) {
    return kt::top_k(data.context, extreme, data.in[0], axis, data.out[0], data.out[1]);
  }};
}

template <kt::Running running>
MadeCall cumulate(const CallNode& node) {
  const bool exclusive = integer(node.node(), "exclusive", 0) != 0;
  const bool reverse = integer(node.node(), "reverse", 0) != 0;
  return Call{[exclusive, reverse](const CallData& data) {
    const auto values = whole_numbers(data.in[1]);
    const auto axis =
        values.size() == 1 ? CallNode::axis(values[0], data.in[0].shape.size()) : std::nullopt;
    if (!axis) return kt::Outcome{"an axis that the input does not have"};
    return kt::cumulate(data.context, running, data.in[0], *axis, exclusive, reverse, data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "ArgMax", arg_reduce<kt::Extreme::largest>},
    {"", "ArgMin", arg_reduce<kt::Extreme::smallest>},
    {"", "CumProd", cumulate<kt::Running::product>},
    {"", "CumSum", cumulate<kt::Running::sum>},
    {"", "ReduceL1", reduce<kt::Reduce::l1>},
    {"", "ReduceL2", reduce<kt::Reduce::l2>},
    {"", "ReduceLogSum", reduce<kt::Reduce::log_sum>},
    {"", "ReduceLogSumExp", reduce<kt::Reduce::log_sum_exp>},
    {"", "ReduceMax", reduce<kt::Reduce::max>},
    {"", "ReduceMean", reduce<kt::Reduce::mean>},
    {"", "ReduceMin", reduce<kt::Reduce::min>},
    {"", "ReduceProd", reduce<kt::Reduce::prod>},
    {"", "ReduceSum", reduce<kt::Reduce::sum>},
    {"", "ReduceSumSquare", reduce<kt::Reduce::sum_square>},
    {"", "TopK", top_k},
};

}  // namespace

std::span<const CallRow> reduce_calls() {
  return kRows;
}

}  // namespace batchtune::imported

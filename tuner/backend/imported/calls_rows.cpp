// Softmax and normalisation along axes.
#include "kernels/tensor/binary.h"
#include "kernels/tensor/rows.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

constexpr char kNoSuchAxis[] = "an axis that the input does not have";

// Before opset 13 over the axis and all behind it, by default all but the first.
template <kt::Softmax kind>
MadeCall softmax(const CallNode& node) {
  const bool from_axis = node.opset() < 13;
  const auto axis = CallNode::axis(integer(node.node(), "axis", from_axis ? 1 : -1), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  return Call{[axis = *axis, from_axis](const CallData& data) {
    return kt::softmax(data.context, kind, data.in[0], axis, from_axis, data.out[0]);
  }};
}

MadeCall layer_normalization(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", -1), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  const double epsilon = number(node.node(), "epsilon", 1e-5);
  return Call{[axis = *axis, epsilon](const CallData& data) {
    return kt::layer_normalization(data.context, data.in[0], data.in[1], data.optional(2), axis,
                                   epsilon, data.out[0], data.asked(1), data.asked(2));
  }};
}

// com.microsoft: of input + skip [+ bias], with gain and offset over the last axis. The sum is an
// output as well where it is asked for.
MadeCall skip_layer_normalization(const CallNode& node) {
  constexpr std::size_t kGain = 2, kOffset = 3, kBias = 4, kSum = 3;
  if (node.rank() == 0) return no_call("an input without dimensions");
  const std::size_t axis = node.rank() - 1;
  const double epsilon = number(node.node(), "epsilon", 1e-12);
  return Call{[axis, epsilon](const CallData& data) {
    const kt::Tensor* asked = data.asked(kSum);
    const kt::Tensor& sum = asked ? *asked : data.out[0];
    if (auto added = kt::binary(data.context, kt::Binary::add, data.in[0], data.in[1], sum); !added)
      return added;
    if (data.is_there(kBias)) {
      if (auto added = kt::binary(data.context, kt::Binary::add, sum, data.in[kBias], sum); !added)
        return added;
    }
    return kt::layer_normalization(data.context, sum, data.in[kGain], data.optional(kOffset), axis,
                                   epsilon, data.out[0], data.asked(1), data.asked(2));
  }};
}

MadeCall rms_normalization(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", -1), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  const double epsilon = number(node.node(), "epsilon", 1e-5);
  return Call{[axis = *axis, epsilon](const CallData& data) {
    return kt::rms_normalization(data.context, data.in[0], data.in[1], axis, epsilon, data.out[0]);
  }};
}

MadeCall lp_normalization(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", -1), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  const auto p = integer(node.node(), "p", 2);
  if (p != 1 && p != 2) return no_call("p = " + std::to_string(p) + " (1 and 2 are)");
  return Call{[axis = *axis, p = static_cast<int>(p)](const CallData& data) {
    return kt::lp_normalization(data.context, data.in[0], axis, p, data.out[0]);
  }};
}

MadeCall mean_variance_normalization(const CallNode& node) {
  std::vector<std::int64_t> axes = integers(node.node(), "axes");
  if (axes.empty()) axes = {0, 2, 3};
  for (std::int64_t& given : axes) {
    const auto axis = CallNode::axis(given, node.rank());
    if (!axis) return no_call(kNoSuchAxis);
    given = static_cast<std::int64_t>(*axis);
  }
  return Call{[axes](const CallData& data) {
    return kt::mean_variance_normalization(data.context, data.in[0], axes, data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "Hardmax", softmax<kt::Softmax::hardmax>},
    {"", "LayerNormalization", layer_normalization},
    {"", "LogSoftmax", softmax<kt::Softmax::log_softmax>},
    {"", "LpNormalization", lp_normalization},
    {"", "MeanVarianceNormalization", mean_variance_normalization},
    {"", "RMSNormalization", rms_normalization},
    {"", "Softmax", softmax<kt::Softmax::softmax>},
    {"com.microsoft", "LayerNormalization", layer_normalization},
    {"com.microsoft", "SkipLayerNormalization", skip_layer_normalization},
};

}  // namespace

std::span<const CallRow> row_calls() {
  return kRows;
}

}  // namespace batchtune::imported

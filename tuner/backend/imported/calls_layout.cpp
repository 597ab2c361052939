// Operations that only move elements, or make them of shapes.
#include "kernels/tensor/layout.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "kernels/tensor/cast.h"
#include "kernels/tensor/gather.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

constexpr char kNoSuchAxis[] = "an axis that the input does not have";

// A scalar of `type` with that value, in `place` of 8 bytes.
kt::ConstTensor scalar(const CallData& data, kt::ElementType type, double value, void* place) {
  const kt::Tensor out{type, {}, place};
  const auto made = kt::cast(data.context, {kt::ElementType::f64, {}, &value}, out);
  return made ? kt::ConstTensor(out) : kt::ConstTensor{type, {}, nullptr};
}

// Reshape and its kin: the same elements under another shape.
MadeCall view(const CallNode&) {
  return Call{[](const CallData& data) { return kt::copy(data.context, data.in[0], data.out[0]); }};
}

// As when a model is used: all passes, and the mask is true everywhere.
MadeCall dropout(const CallNode& node) {
  constexpr std::size_t kTraining = 2;
  if (node.has(kTraining) && single(node.in(kTraining)) != 0)
    return no_call("training_mode (without it is)");
  return Call{[](const CallData& data) {
    const kt::Outcome copied = kt::copy(data.context, data.in[0], data.out[0]);
    if (!copied || data.out.size() < 2 || data.out[1].data == nullptr) return copied;
    alignas(8) std::byte place[8];
    return kt::fill(data.context, scalar(data, data.out[1].type, 1, place), data.out[1]);
  }};
}

MadeCall transpose(const CallNode& node) {
  std::vector<std::int64_t> permutation = integers(node.node(), "perm");
  if (permutation.empty())
    for (std::size_t i = node.rank(); i-- > 0;) permutation.push_back(static_cast<std::int64_t>(i));
  if (permutation.size() != node.rank()) return no_call("perm of another length than the rank");
  return Call{[permutation](const CallData& data) {
    return kt::transpose(data.context, data.in[0], permutation, data.out[0]);
  }};
}

// Starts, ends, axes and steps are attributes before opset 10, inputs since.
MadeCall slice(const CallNode& node) {
  using Numbers = std::vector<std::int64_t>;
  const std::array<Numbers, 4> attributes = {integers(node.node(), "starts"),
                                             integers(node.node(), "ends"),
                                             integers(node.node(), "axes"), Numbers{}};
  const bool by_inputs = node.opset() >= 10;
  return Call{[attributes, by_inputs](const CallData& data) {
    const auto part = [&](std::size_t i) {
      if (!by_inputs) return attributes[i];
      return data.is_there(i + 1) ? whole_numbers(data.in[i + 1]) : Numbers{};
    };
    const auto what = kt::resolve_slice(data.in[0].shape, part(0), part(1), part(2), part(3));
    if (!what) return kt::Outcome{"starts, ends, axes and steps that do not go together"};
    return kt::slice(data.context, data.in[0], *what, data.out[0]);
  }};
}

// Of the axes in `axes` (all if there are none) to all axes.
std::optional<std::vector<std::int64_t>> pads_of_all(const std::vector<std::int64_t>& pads,
                                                     const std::vector<std::int64_t>& axes,
                                                     std::size_t rank) {
  const std::size_t given = pads.size() / 2;
  if (pads.size() != 2 * (axes.empty() ? rank : axes.size())) return std::nullopt;
  if (axes.empty()) return pads;
  std::vector<std::int64_t> all(2 * rank, 0);
  for (std::size_t i = 0; i < given; ++i) {
    const auto axis = CallNode::axis(axes[i], rank);
    if (!axis) return std::nullopt;
    all[*axis] = pads[i];
    all[*axis + rank] = pads[i + given];
  }
  return all;
}

// Pads and value are attributes before opset 11 (paddings in opset 1), inputs since; axes since 18.
MadeCall pad(const CallNode& node) {
  constexpr std::pair<std::string_view, kt::PadMode> kModes[] = {
      {"constant", kt::PadMode::constant},
      {"edge", kt::PadMode::edge},
      {"reflect", kt::PadMode::reflect},
      {"wrap", kt::PadMode::wrap}};
  const std::string name = text(node.node(), "mode", "constant");
  const auto* mode = std::find_if(std::begin(kModes), std::end(kModes),
                                  [&](const auto& one) { return one.first == name; });
  if (mode == std::end(kModes)) return no_call("mode " + name);
  std::vector<std::int64_t> attribute = integers(node.node(), "pads");
  if (attribute.empty()) attribute = integers(node.node(), "paddings");
  const double value = number(node.node(), "value", 0);
  const bool by_inputs = node.opset() >= 11;
  return Call{[mode = mode->second, attribute, value, by_inputs](const CallData& data) {
    constexpr std::size_t kPads = 1, kValue = 2, kAxes = 3;
    const auto pads = pads_of_all(
        by_inputs ? whole_numbers(data.in[kPads]) : attribute,
        data.is_there(kAxes) ? whole_numbers(data.in[kAxes]) : std::vector<std::int64_t>{},
        data.in[0].shape.size());
    if (!pads) return kt::Outcome{"pads of another number than there are axes"};
    alignas(8) std::byte place[8];
    kt::ConstTensor filler = scalar(data, data.in[0].type, value, place);
    if (data.is_there(kValue)) filler = {data.in[kValue].type, {}, data.in[kValue].data};
    return kt::pad(data.context, data.in[0], *pads, mode, &filler, data.out[0]);
  }};
}

MadeCall concat(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 1), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  return Call{[axis = *axis](const CallData& data) {
    return kt::concat(data.context, data.in, axis, data.out[0]);
  }};
}

// How it is split, the shapes of the outputs say.
MadeCall split(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 0), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  for (std::size_t i = 0; i < node.output_count(); ++i)
    if (!node.has_output(i)) return no_call("an output that is left out");
  return Call{[axis = *axis](const CallData& data) {
    return kt::split(data.context, data.in[0], axis, data.out);
  }};
}

MadeCall expand(const CallNode&) {
  return Call{
      [](const CallData& data) { return kt::expand(data.context, data.in[0], data.out[0]); }};
}

MadeCall tile(const CallNode&) {
  return Call{[](const CallData& data) { return kt::tile(data.context, data.in[0], data.out[0]); }};
}

MadeCall gather(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 0), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  return Call{[axis = *axis](const CallData& data) {
    return kt::gather(data.context, data.in[0], data.in[1], axis, data.out[0]);
  }};
}

MadeCall gather_elements(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 0), node.rank());
  if (!axis) return no_call(kNoSuchAxis);
  return Call{[axis = *axis](const CallData& data) {
    return kt::gather_elements(data.context, data.in[0], data.in[1], axis, data.out[0]);
  }};
}

MadeCall gather_nd(const CallNode& node) {
  const std::int64_t batch_dims = integer(node.node(), "batch_dims", 0);
  if (batch_dims < 0) return no_call("negative batch_dims");
  return Call{[dims = static_cast<std::size_t>(batch_dims)](const CallData& data) {
    return kt::gather_nd(data.context, data.in[0], data.in[1], dims, data.out[0]);
  }};
}

std::optional<kt::Scatter> scatter_kind(const CallNode& node) {
  const std::string name = text(node.node(), "reduction", "none");
  if (name == "none") return kt::Scatter::replace;
  if (name == "add") return kt::Scatter::add;
  if (name == "mul") return kt::Scatter::mul;
  if (name == "max") return kt::Scatter::max;
  if (name == "min") return kt::Scatter::min;
  return std::nullopt;
}

MadeCall scatter_elements(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", 0), node.rank());
  const auto kind = scatter_kind(node);
  if (!axis) return no_call(kNoSuchAxis);
  if (!kind) return no_call("reduction " + text(node.node(), "reduction", ""));
  return Call{[axis = *axis, kind = *kind](const CallData& data) {
    return kt::scatter_elements(data.context, data.in[0], data.in[1], data.in[2], axis, kind,
                                data.out[0]);
  }};
}

MadeCall scatter_nd(const CallNode& node) {
  const auto kind = scatter_kind(node);
  if (!kind) return no_call("reduction " + text(node.node(), "reduction", ""));
  return Call{[kind = *kind](const CallData& data) {
    return kt::scatter_nd(data.context, data.in[0], data.in[1], data.in[2], kind, data.out[0]);
  }};
}

MadeCall one_hot(const CallNode& node) {
  const auto axis = CallNode::axis(integer(node.node(), "axis", -1), node.rank() + 1);
  if (!axis) return no_call(kNoSuchAxis);
  return Call{[axis = *axis](const CallData& data) {
    return kt::one_hot(data.context, data.in[0], axis, data.in[2], data.out[0]);
  }};
}

MadeCall depth_to_space(const CallNode& node) {
  const std::int64_t block = integer(node.node(), "blocksize", 0);
  const bool crd = text(node.node(), "mode", "DCR") == "CRD";
  if (block < 1) return no_call("no blocksize");
  return Call{
      [block, order = crd ? kt::DepthOrder::crd : kt::DepthOrder::dcr](const CallData& data) {
        return kt::depth_to_space(data.context, data.in[0], block, order, data.out[0]);
      }};
}

MadeCall space_to_depth(const CallNode& node) {
  const std::int64_t block = integer(node.node(), "blocksize", 0);
  if (block < 1) return no_call("no blocksize");
  const auto order =
      text(node.node(), "mode", "DCR") == "CRD" ? kt::DepthOrder::crd : kt::DepthOrder::dcr;
  return Call{[block, order](const CallData& data) {
    return kt::space_to_depth(data.context, data.in[0], block, data.out[0], order);
  }};
}

MadeCall trilu(const CallNode& node) {
  const bool upper = integer(node.node(), "upper", 1) != 0;
  return Call{[upper](const CallData& data) {
    const auto k = data.is_there(1) ? whole_numbers(data.in[1]) : std::vector<std::int64_t>{0};
    if (k.size() != 1) return kt::Outcome{"a k that is not one number"};
    return kt::trilu(data.context, data.in[0], k[0], upper, data.out[0]);
  }};
}

MadeCall reverse_sequence(const CallNode& node) {
  const std::int64_t batch = integer(node.node(), "batch_axis", 1);
  const std::int64_t time = integer(node.node(), "time_axis", 0);
  if (std::min(batch, time) != 0 || std::max(batch, time) != 1)
    return no_call("batch_axis and time_axis that are not 0 and 1");
  return Call{[batch = static_cast<std::size_t>(batch),
               time = static_cast<std::size_t>(time)](const CallData& data) {
    return kt::reverse_sequence(data.context, data.in[0], data.in[1], batch, time, data.out[0]);
  }};
}

// Numbers that shapes are computed from, where they are not constants.

MadeCall constant_of_shape(const CallNode& node) {
  const auto value = attribute<RawTensor>(node.node(), "value", {});
  return Call{[bytes = value.bytes](const CallData& data) {
    alignas(8) std::byte place[8];
    if (!bytes)
      return kt::fill(data.context, scalar(data, data.out[0].type, 0, place), data.out[0]);
    return kt::fill(data.context, {data.out[0].type, {}, bytes->data()}, data.out[0]);
  }};
}

// The sizes [start, end) of the input.
MadeCall shape(const CallNode& node) {
  const auto rank = static_cast<std::int64_t>(node.rank());
  const auto place = [&](const char* name, std::int64_t otherwise) {
    const std::int64_t given = integer(node.node(), name, otherwise);
    return std::clamp<std::int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const std::int64_t start = place("start", 0), end = std::max(start, place("end", rank));
  return Call{[start, end](const CallData& data) {
    auto* sizes = static_cast<std::int64_t*>(data.out[0].data);
    std::copy(data.in[0].shape.begin() + start, data.in[0].shape.begin() + end, sizes);
    return kt::kDone;
  }};
}

MadeCall size(const CallNode&) {
  return Call{[](const CallData& data) {
    *static_cast<std::int64_t*>(data.out[0].data) = data.in[0].elements();
    return kt::kDone;
  }};
}

MadeCall range(const CallNode&) {
  return Call{[](const CallData& data) {
    return kt::range(data.context, data.in[0], data.in[2], data.out[0]);
  }};
}

MadeCall eye_like(const CallNode& node) {
  return Call{[k = integer(node.node(), "k", 0)](const CallData& data) {
    return kt::eye_like(data.context, k, data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "Concat", concat},
    {"", "ConstantOfShape", constant_of_shape},
    {"", "DepthToSpace", depth_to_space},
    {"", "Dropout", dropout},
    {"", "Expand", expand},
    {"", "EyeLike", eye_like},
    {"", "Flatten", view},
    {"", "Gather", gather},
    {"", "GatherElements", gather_elements},
    {"", "GatherND", gather_nd},
    {"", "Identity", view},
    {"", "OneHot", one_hot},
    {"", "Pad", pad},
    {"", "Range", range},
    {"", "Reshape", view},
    {"", "ReverseSequence", reverse_sequence},
    {"", "Scatter", scatter_elements},
    {"", "ScatterElements", scatter_elements},
    {"", "ScatterND", scatter_nd},
    {"", "Shape", shape},
    {"", "Size", size},
    {"", "Slice", slice},
    {"", "SpaceToDepth", space_to_depth},
    {"", "Split", split},
    {"", "Squeeze", view},
    {"", "Tile", tile},
    {"", "Transpose", transpose},
    {"", "Trilu", trilu},
    {"", "Unsqueeze", view},
};

}  // namespace

std::span<const CallRow> layout_calls() {
  return kRows;
}

}  // namespace batchtune::imported

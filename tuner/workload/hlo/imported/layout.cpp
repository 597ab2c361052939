// Operations that only move elements.
#include <algorithm>

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

constexpr char kNoSuchAxis[] = "an axis that the input does not have";

// Reshape and its kin: the same elements under another shape.
Written view(NodeWriter& n) {
  return n.w().reshaped(n.in(), n.out_shape());
}

// As when a model is used: all passes, and the mask is true everywhere.
Written dropout(NodeWriter& n) {
  constexpr std::size_t kTraining = 2;
  const auto training = n.numbers(kTraining);
  if (n.has(kTraining) && (!training || training->front() != 0))
    return not_written("training_mode");
  std::vector<Value> outputs = {n.in()};
  if (n.has_output(1)) outputs.push_back(n.w().filled(n.out_element(1), 1, n.out_shape(1)));
  return Outputs(outputs);
}

Written transpose(NodeWriter& n) {
  Numbers permutation = n.integers("perm");
  if (permutation.empty()) {
    permutation = counted(0, n.rank());
    std::reverse(permutation.begin(), permutation.end());
  }
  if (std::ssize(permutation) != n.rank())
    return not_written("perm of another length than the rank");
  return n.w().transposed(n.in(), permutation);
}

Written concat(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", 1), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  std::vector<Value> parts;
  for (std::size_t i = 0; i < n.input_count(); ++i) parts.push_back(n.in(i));
  return n.w().concatenated(parts, *axis);
}

// How it is split, the shapes of the outputs say.
Written split(NodeWriter& n) {
  const auto axis = NodeWriter::axis(n.integer("axis", 0), n.rank());
  if (!axis) return not_written(kNoSuchAxis);
  std::vector<Value> parts;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < n.output_count(); ++i) {
    if (!n.has_output(i)) return not_written("an output that is left out");
    const std::int64_t end = begin + n.out_shape(i)[static_cast<std::size_t>(*axis)];
    parts.push_back(n.w().sliced(n.in(), *axis, begin, end));
    begin = end;
  }
  return Outputs(parts);
}

// [start, end) along one axis, as ONNX means it.
Value slice_along(NodeWriter& n, const Value& x, std::int64_t axis, std::int64_t start,
                  std::int64_t end, std::int64_t step) {
  const std::int64_t size = x.shape[static_cast<std::size_t>(axis)];
  if (start < 0) start += size;
  if (end < 0) end += size;
  if (step > 0) {
    start = std::clamp<std::int64_t>(start, 0, size);
    end = std::clamp<std::int64_t>(end, start, size);
    return n.w().sliced(x, axis, start, end, step);
  }
  // Backwards: the same of the tensor turned round.
  start = std::clamp<std::int64_t>(start, -1, size - 1);
  end = std::clamp<std::int64_t>(end, -1, start);
  return n.w().sliced(n.w().reversed(x, {axis}), axis, size - 1 - start, size - 1 - end, -step);
}

// Starts, ends, axes and steps are attributes before opset 10, inputs since.
Written slice(NodeWriter& n) {
  const bool by_inputs = n.opset() >= 10;
  const char* const names[] = {"starts", "ends", "axes", "steps"};
  Numbers parts[4];
  for (std::size_t i = 0; i < 4; ++i) {
    const auto known = by_inputs ? n.whole_numbers(i + 1) : std::optional(n.integers(names[i]));
    if (by_inputs && n.has(i + 1) && !known)
      return not_written(std::string(names[i]) + " that depend on data");
    parts[i] = known.value_or(Numbers{});
  }
  auto& [starts, ends, axes, steps] = parts;
  if (axes.empty()) axes = counted(0, std::ssize(starts));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return not_written("starts, ends, axes and steps that do not go together");
  Value x = n.in();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = NodeWriter::axis(axes[i], n.rank());
    if (!axis || steps[i] == 0) return not_written(kNoSuchAxis);
    x = slice_along(n, x, *axis, starts[i], ends[i], steps[i]);
  }
  return x;
}

// ---- padding ----

// Of the element that lies at `place` along an axis of `size` beyond its ends.
std::int64_t place_of(const std::string& mode, std::int64_t place, std::int64_t size) {
  if (mode == "edge") return std::clamp<std::int64_t>(place, 0, size - 1);
  const std::int64_t period = mode == "reflect" ? std::max<std::int64_t>(2 * size - 2, 1) : size;
  const std::int64_t within = (place % period + period) % period;
  return within < size ? within : period - within;
}

// Pads and value are attributes before opset 11 (paddings in opset 1), inputs since; axes since 18.
tl::expected<std::pair<Dims, Dims>, std::string> pads_of(NodeWriter& n) {
  Numbers pads = n.integers(n.has_attribute("pads") ? "pads" : "paddings");
  Numbers axes = counted(0, n.rank());
  if (n.opset() >= 11) {
    const auto known = n.whole_numbers(1);
    if (!known) return not_written("pads that depend on data");
    pads = *known;
    if (n.has(3)) {
      const auto given = n.whole_numbers(3);
      if (!given) return not_written("axes that depend on data");
      axes = *given;
    }
  }
  if (pads.size() != 2 * axes.size())
    return not_written("pads of another number than there are axes");
  Dims low(static_cast<std::size_t>(n.rank()), 0), high = low;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = NodeWriter::axis(axes[i], n.rank());
    if (!axis) return not_written(kNoSuchAxis);
    low[static_cast<std::size_t>(*axis)] = pads[i];
    high[static_cast<std::size_t>(*axis)] = pads[i + axes.size()];
  }
  return std::pair(low, high);
}

Written pad(NodeWriter& n) {
  const std::string mode = n.text("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect" && mode != "wrap")
    return not_written("mode " + mode);
  const auto pads = pads_of(n);
  if (!pads) return not_written(pads.error());
  const auto& [low, high] = *pads;
  Value x = n.in();
  if (mode == "constant") {
    const bool given = n.opset() >= 11 && n.has(2);
    const Value filler =
        given ? n.w().reshaped(n.in(2), {}) : n.w().constant(x.element, n.number("value", 0));
    return n.w().padded(x, filler, low, high);
  }
  for (std::size_t i = 0; i < low.size(); ++i) {
    const std::int64_t size = x.shape[i];
    Numbers indices;
    for (std::int64_t place = -low[i]; place < size + high[i]; ++place)
      indices.push_back(place_of(mode, place, size));
    if (size == 0 || indices.empty()) return not_written("nothing along an axis");
    x = n.taken(x, static_cast<std::int64_t>(i), indices);
  }
  return x;
}

// ---- repetition ----

Written expand(NodeWriter& n) {
  return n.spread(n.in(), n.out_shape());
}

Written tile(NodeWriter& n) {
  const Value x = n.in();
  const Shape shape = n.out_shape();
  Shape apart;
  Dims to;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    apart.push_back(x.shape[i] == 0 ? 1 : shape[i] / x.shape[i]);
    to.push_back(std::ssize(apart));
    apart.push_back(x.shape[i]);
  }
  return n.w().reshaped(n.w().broadcast(x, apart, to), shape);
}

// ---- depth and space ----

Written depth_to_space(NodeWriter& n) {
  const std::int64_t block = n.integer("blocksize", 0);
  const Value x = n.in();
  if (block < 1 || x.shape.size() != 4) return not_written("no blocksize, or no image");
  const Shape& s = x.shape;
  const std::int64_t depth = s[1] / (block * block);
  const bool depth_first = n.text("mode", "DCR") == "CRD";
  const Shape apart = depth_first ? Shape{s[0], depth, block, block, s[2], s[3]}
                                  : Shape{s[0], block, block, depth, s[2], s[3]};
  const Dims order = depth_first ? Dims{0, 1, 4, 2, 5, 3} : Dims{0, 3, 4, 1, 5, 2};
  return n.w().transposed(n.w().reshaped(x, apart), order);
}

Written space_to_depth(NodeWriter& n) {
  const std::int64_t block = n.integer("blocksize", 0);
  const Value x = n.in();
  if (block < 1 || x.shape.size() != 4) return not_written("no blocksize, or no image");
  const Shape& s = x.shape;
  const Shape apart = {s[0], s[1], s[2] / block, block, s[3] / block, block};
  const bool depth_first = n.text("mode", "DCR") == "CRD";
  return n.w().transposed(n.w().reshaped(x, apart),
                          depth_first ? Dims{0, 1, 3, 5, 2, 4} : Dims{0, 3, 5, 1, 2, 4});
}

constexpr NodeRow kRows[] = {
    {"", "Concat", concat},   {"", "DepthToSpace", depth_to_space},
    {"", "Dropout", dropout}, {"", "Expand", expand},
    {"", "Flatten", view},    {"", "Identity", view},
    {"", "Pad", pad},         {"", "Reshape", view},
    {"", "Slice", slice},     {"", "SpaceToDepth", space_to_depth},
    {"", "Split", split},     {"", "Squeeze", view},
    {"", "Tile", tile},       {"", "Transpose", transpose},
    {"", "Unsqueeze", view},
};

}  // namespace

std::span<const NodeRow> layout_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

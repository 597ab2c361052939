// Operations that only move elements.
#include <algorithm>
#include <numeric>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

using Axes = std::vector<std::int64_t>;

Outputs unknown(const NodeView& node) {
  return {{node.in(0).type, std::nullopt, std::nullopt}};
}

// An attribute in older opsets, an input in newer ones; nullopt where it depends on data.
std::optional<Axes> listed(const NodeView& node, std::string_view attribute, std::size_t input) {
  if (!node.has(input)) return node.integer_list(attribute);
  return node.integers(input);
}

// The same elements in another shape.
Outputs viewed(const NodeView& node, Shape shape) {
  return {{node.in(0).type, std::move(shape), node.in(0).numbers}};
}

Result<std::vector<bool>> marked_axes(const NodeView& node, const Axes& axes, std::size_t rank) {
  std::vector<bool> marked(rank, false);
  for (const std::int64_t axis : axes) {
    BT_TRY(at, node.axis_of(axis, rank));
    if (marked[at]) return node.fail("each axis once", shape_text(axes));
    marked[at] = true;
  }
  return marked;
}

}  // namespace

Result<Shape> resolve_target(const NodeView& node, const Shape& target, const Shape& input) {
  Shape shape = target;
  const bool copies = node.integer("allowzero", 0) == 0;
  std::optional<std::size_t> open;
  std::int64_t known = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && copies) {
      if (i >= input.size())
        return node.fail("a dimension " + std::to_string(i) + " of the input to copy (a 0 in " +
                             shape_text(target) + ")",
                         shape_text(input));
      shape[i] = input[i];
    }
    if (shape[i] < -1 || (shape[i] == -1 && open))
      return node.fail("a shape with at most one -1", shape_text(target));
    if (shape[i] == -1)
      open = i;
    else if (__builtin_mul_overflow(known, shape[i], &known))
      return node.fail("a shape of fewer than 2^63 elements", shape_text(target));
  }
  const std::int64_t count = elements(input);
  if (open && known > 0 && count % known == 0) shape[*open] = count / known;
  if (open && known == 0) shape[*open] = 0;
  if (elements(shape) != count || (open && shape[*open] < 0))
    return node.fail("a shape with the elements of the input " + shape_text(input),
                     shape_text(target));
  return shape;
}

Result<Outputs> reshape(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const auto target = listed(node, "shape", 1);
  if (!target) return unknown(node);
  BT_TRY(shape, resolve_target(node, *target, node.shape(0)));
  return viewed(node, std::move(shape));
}

Result<Outputs> flatten(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const Shape& in = node.shape(0);
  const auto rank = static_cast<std::int64_t>(in.size());
  std::int64_t axis = node.integer("axis", 1);
  if (axis < -rank || axis > rank)
    return node.fail("an axis of " + std::to_string(rank) + " dimensions", std::to_string(axis));
  if (axis < 0) axis += rank;
  return viewed(node, {elements(Shape(in.begin(), in.begin() + axis)),
                       elements(Shape(in.begin() + axis, in.end()))});
}

Result<Outputs> squeeze(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const auto axes = listed(node, "axes", 1);
  if (!axes) return unknown(node);
  const Shape& in = node.shape(0);
  BT_TRY(marked, marked_axes(node, *axes, in.size()));
  Shape out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (marked[i] && in[i] != 1)
      return node.fail("a dimension of 1 at axis " + std::to_string(i), shape_text(in));
    const bool dropped = axes->empty() ? in[i] == 1 : marked[i];
    if (!dropped) out.push_back(in[i]);
  }
  return viewed(node, std::move(out));
}

Result<Outputs> unsqueeze(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const auto axes = listed(node, "axes", 1);
  if (!axes) return unknown(node);
  const Shape& in = node.shape(0);
  BT_TRY(marked, marked_axes(node, *axes, in.size() + axes->size()));
  Shape out;
  auto next = in.begin();
  for (const bool added : marked) out.push_back(added ? 1 : *next++);
  return viewed(node, std::move(out));
}

Result<Outputs> transpose(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const Shape& in = node.shape(0);
  Axes order = node.integer_list("perm");
  if (order.empty()) {
    order.resize(in.size());
    std::iota(order.rbegin(), order.rend(), 0);
  }
  if (order.size() != in.size())
    return node.fail("as many axes as the input " + shape_text(in), shape_text(order));
  BT_TRY_VOID(marked_axes(node, order, in.size()));
  Shape out;
  for (const std::int64_t axis : order) {
    BT_TRY(at, node.axis_of(axis, in.size()));
    out.push_back(in[at]);
  }
  return Outputs{
      {node.in(0).type, std::move(out), in.size() <= 1 ? node.in(0).numbers : std::nullopt}};
}

Result<Outputs> concat(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out = node.in(0);
  BT_TRY(axis, node.axis_of(node.integer("axis", 1), out.shape->size()));
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    if (!node.has(i)) continue;
    Shape fitting = *out.shape;
    const Shape& other = node.shape(i);
    if (axis < other.size()) fitting[axis] = other[axis];
    if (other != fitting)
      return node.fail(shape_text(node.shape(0)) + " but for axis " + std::to_string(axis),
                       shape_text(other) + " (input " + std::to_string(i) + ")");
    if (__builtin_add_overflow((*out.shape)[axis], other[axis], &(*out.shape)[axis]))
      return node.fail("sizes below 2^63", shape_text(other));
    const auto& more = node.in(i).numbers;
    if (out.numbers && more)
      out.numbers->insert(out.numbers->end(), more->begin(), more->end());
    else
      out.numbers.reset();
  }
  if (out.shape->size() != 1 || elements(*out.shape) > kMaxNumbers) out.numbers.reset();
  return Outputs{std::move(out)};
}

namespace {

// Sizes of the parts; nullopt where they depend on data.
Result<std::optional<Axes>> parts_of(const NodeView& node, std::int64_t whole) {
  const auto given = listed(node, "split", 1);
  if (!given) return std::optional<Axes>();
  Axes parts = *given;
  const auto count = static_cast<std::int64_t>(node.output_count());
  if (parts.empty()) {
    const std::int64_t each = (whole + count - 1) / count;
    for (std::int64_t i = 0, left = whole; i < count; ++i, left -= each)
      parts.push_back(std::clamp<std::int64_t>(left, 0, each));
  }
  std::int64_t sum = 0;
  for (const std::int64_t part : parts)
    if (part < 0 || __builtin_add_overflow(sum, part, &sum)) sum = -1;
  if (sum != whole || static_cast<std::int64_t>(parts.size()) != count)
    return node.fail(std::to_string(count) + " parts that sum to " + std::to_string(whole),
                     shape_text(parts));
  return std::optional(parts);
}

}  // namespace

Result<Outputs> split(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const Facts& in = node.in(0);
  BT_TRY(axis, node.axis_of(node.integer("axis", 0), in.shape->size()));
  BT_TRY(parts, parts_of(node, (*in.shape)[axis]));
  Outputs outputs;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    Facts out{in.type, std::nullopt, std::nullopt};
    if (parts) {
      out.shape = in.shape;
      (*out.shape)[axis] = (*parts)[i];
      if (in.numbers && in.shape->size() == 1)
        out.numbers.emplace(in.numbers->begin() + begin, in.numbers->begin() + begin + (*parts)[i]);
      begin += (*parts)[i];
    }
    outputs.push_back(std::move(out));
  }
  return outputs;
}

namespace {

struct Cut {
  std::size_t axis;
  std::int64_t start, step, count;
};

// Bounds of one axis as Slice means them: negative ones from the end, all of them clamped.
Result<Cut> cut_of(const NodeView& node, std::size_t axis, std::int64_t start, std::int64_t end,
                   std::int64_t step) {
  const std::int64_t size = node.shape(0)[axis];
  if (step == 0) return node.fail("a step other than 0", "0");
  if (size == 0) return Cut{axis, 0, step, 0};
  if (start < 0) start += size;
  if (end < 0) end += size;
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  start = std::clamp<std::int64_t>(start, 0, high);
  end = std::clamp(end, low, high);
  const std::int64_t span = step > 0 ? end - start : start - end;
  const std::int64_t stride = step > 0 ? step : -std::max(step, -INT64_MAX);
  return Cut{axis, start, step, span <= 0 ? 0 : (span - 1) / stride + 1};
}

}  // namespace

Result<Outputs> slice(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const auto starts = listed(node, "starts", 1), ends = listed(node, "ends", 2);
  const auto given = listed(node, "axes", 3);
  const auto steps = listed(node, "steps", 4);
  if (!starts || !ends || !given || !steps) return unknown(node);
  if (starts->size() != ends->size() || (!given->empty() && given->size() != starts->size()) ||
      (!steps->empty() && steps->size() != starts->size()))
    return node.fail("as many starts as ends, axes and steps", shape_text(*starts));
  Facts out = node.in(0);
  const Shape& in = node.shape(0);
  if (starts->size() > in.size())
    return node.fail("at most " + std::to_string(in.size()) + " axes", shape_text(*starts));
  for (std::size_t i = 0; i < starts->size(); ++i) {
    BT_TRY(axis,
           node.axis_of(given->empty() ? static_cast<std::int64_t>(i) : (*given)[i], in.size()));
    BT_TRY(cut, cut_of(node, axis, (*starts)[i], (*ends)[i], steps->empty() ? 1 : (*steps)[i]));
    (*out.shape)[axis] = cut.count;
    if (!out.numbers) continue;
    std::vector<double> kept;
    for (std::int64_t k = 0; in.size() == 1 && k < cut.count; ++k)
      kept.push_back((*node.in(0).numbers)[static_cast<std::size_t>(cut.start + k * cut.step)]);
    out.numbers = std::move(kept);
  }
  if (in.size() != 1 && !starts->empty()) out.numbers.reset();
  return Outputs{std::move(out)};
}

namespace {

// Values of Gather along one axis; nullopt where an index is out of range or values are not known.
std::optional<std::vector<double>> picked(const NodeView& node, std::size_t axis) {
  const auto& data = node.in(0).numbers;
  const auto& wanted = node.in(1).numbers;
  if (!data || !wanted) return std::nullopt;
  const Shape& shape = node.shape(0);
  const auto size = static_cast<double>(shape[axis]);
  const auto inner = static_cast<std::size_t>(
      elements(Shape(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end())));
  const auto outer = static_cast<std::size_t>(
      elements(Shape(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis))));
  if (outer * inner * wanted->size() > static_cast<std::size_t>(kMaxNumbers)) return std::nullopt;
  std::vector<double> out;
  for (std::size_t o = 0; o < outer; ++o) {
    for (const double one : *wanted) {
      const double index = one < 0 ? one + size : one;
      if (!(index >= 0 && index < size)) return std::nullopt;
      const std::size_t row =
          o * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(index);
      for (std::size_t i = 0; i < inner; ++i) out.push_back((*data)[row * inner + i]);
    }
  }
  return out;
}

}  // namespace

Result<Outputs> gather(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const Shape &data = node.shape(0), &wanted = node.shape(1);
  BT_TRY(axis, node.axis_of(node.integer("axis", 0), data.size()));
  const auto at = data.begin() + static_cast<std::ptrdiff_t>(axis);
  Shape out(data.begin(), at);
  out.insert(out.end(), wanted.begin(), wanted.end());
  out.insert(out.end(), at + 1, data.end());
  return Outputs{{node.in(0).type, std::move(out), picked(node, axis)}};
}

Result<Outputs> gather_elements(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  return Outputs{{node.in(0).type, node.shape(1), std::nullopt}};
}

Result<Outputs> gather_nd(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const Shape &data = node.shape(0), &wanted = node.shape(1);
  const std::int64_t shared = node.integer("batch_dims", 0);
  const std::int64_t depth = wanted.empty() ? -1 : wanted.back();
  if (shared < 0 || depth < 0 || depth > static_cast<std::int64_t>(data.size()) - shared)
    return node.fail("indices into " + shape_text(data), shape_text(wanted));
  Shape out(wanted.begin(), wanted.end() - 1);
  out.insert(out.end(), data.begin() + shared + depth, data.end());
  return Outputs{{node.in(0).type, std::move(out), std::nullopt}};
}

Result<Outputs> expand(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const auto target = node.integers(1);
  if (!target) return unknown(node);
  for (const std::int64_t size : *target)
    if (size < 0) return node.fail("sizes of at least 0", shape_text(*target));
  BT_TRY(shape, broadcast(node, node.shape(0), *target));
  Facts out{node.in(0).type, std::move(shape), std::nullopt};
  const auto& numbers = node.in(0).numbers;
  if (numbers && numbers->size() == 1 && elements(*out.shape) <= kMaxNumbers)
    out.numbers.emplace(static_cast<std::size_t>(elements(*out.shape)), numbers->front());
  return Outputs{std::move(out)};
}

Result<Outputs> tile(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const auto times = node.integers(1);
  if (!times || node.opset() < 6) return unknown(node);
  Facts out{node.in(0).type, node.shape(0), std::nullopt};
  if (times->size() != out.shape->size())
    return node.fail("a repeat for each dimension of " + shape_text(*out.shape),
                     shape_text(*times));
  for (std::size_t i = 0; i < times->size(); ++i)
    if ((*times)[i] < 0 || __builtin_mul_overflow((*out.shape)[i], (*times)[i], &(*out.shape)[i]))
      return node.fail("repeats from 0", shape_text(*times));
  const auto& numbers = node.in(0).numbers;
  const bool few = numbers && !numbers->empty() && elements(*out.shape) <= kMaxNumbers;
  if (few && out.shape->size() == 1) {
    out.numbers.emplace();
    for (std::int64_t i = 0; i < times->front(); ++i)
      out.numbers->insert(out.numbers->end(), numbers->begin(), numbers->end());
  }
  return Outputs{std::move(out)};
}

Result<Outputs> one_hot(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(3));
  const auto depth = node.integers(1);
  if (!depth || depth->size() != 1) return Outputs{{node.in(2).type, std::nullopt, std::nullopt}};
  Shape out = node.shape(0);
  BT_TRY(axis, node.axis_of(node.integer("axis", -1), out.size() + 1));
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), depth->front());
  return Outputs{{node.in(2).type, std::move(out), std::nullopt}};
}

}  // namespace batchtune::onnx_file

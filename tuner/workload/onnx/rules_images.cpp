// Windows that slide over images (of any number of dimensions), padding and resizing.
#include <algorithm>
#include <cmath>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {

Shape spatial(const Shape& shape) {
  return {shape.begin() + std::min<std::ptrdiff_t>(2, std::ssize(shape)), shape.end()};
}

namespace {

constexpr std::int64_t kMaxSize = std::int64_t{1}
                                  << 31;  // of kernels, strides and padding: no overflow below

// `name` with one value for each spatial dimension, from 0 or 1 up.
Result<Shape> sizes_of(const NodeView& node, std::string_view name, std::size_t count,
                       std::int64_t least) {
  Shape sizes = node.integer_list(name);
  if (sizes.empty()) sizes.assign(count, least);
  const bool fits =
      sizes.size() == count && std::all_of(sizes.begin(), sizes.end(), [&](std::int64_t size) {
        return size >= least && size <= kMaxSize;
      });
  if (!fits)
    return node.fail(std::string(name) + ": " + std::to_string(count) + " sizes from " +
                         std::to_string(least) + " to 2^31",
                     shape_text(sizes));
  return sizes;
}

Status want_image(const NodeView& node, std::size_t least_rank) {
  BT_TRY_VOID(node.want_inputs(1));
  if (node.shape(0).size() >= least_rank) return {};
  return node.fail("an input of at least " + std::to_string(least_rank) + " dimensions",
                   shape_text(node.shape(0)));
}

// Of one dimension. Rounding up lets a last window begin inside the image or the padding before it,
// never behind it.
std::int64_t steps(std::int64_t input, std::int64_t pad_begin, std::int64_t pad_end,
                   std::int64_t extent, std::int64_t stride, bool ceil) {
  const std::int64_t room = input + pad_begin + pad_end - extent;
  if (room < 0) return 0;
  if (!ceil) return room / stride + 1;
  const std::int64_t count = (room + stride - 1) / stride + 1;
  return (count - 1) * stride >= input + pad_begin ? count - 1 : count;
}

}  // namespace

Result<Shape> slide(const NodeView& node, const Shape& input, const Shape& kernel) {
  const std::size_t count = input.size();
  BT_TRY(strides, sizes_of(node, "strides", count, 1));
  BT_TRY(dilations, sizes_of(node, "dilations", count, 1));
  const std::string automatic = node.text("auto_pad", "NOTSET");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  Shape pads(2 * count, 0);
  if (!same && automatic != "VALID") {
    BT_TRY(given, sizes_of(node, "pads", 2 * count, 0));
    pads = std::move(given);
  }
  const bool ceil = node.integer("ceil_mode", 0) != 0;
  Shape out;
  for (std::size_t i = 0; i < count; ++i) {
    if (kernel[i] < 1 || kernel[i] > kMaxSize)
      return node.fail("a kernel of sizes from 1 to 2^31", shape_text(kernel));
    if (__builtin_mul_overflow(kernel[i] - 1, dilations[i], &dilations[i]))
      return node.fail("a kernel of fewer than 2^63 elements", shape_text(kernel));
    const std::int64_t extent = std::min(dilations[i], std::int64_t{1} << 62) + 1;
    out.push_back(same ? (input[i] + strides[i] - 1) / strides[i]
                       : steps(input[i], pads[i], pads[count + i], extent, strides[i], ceil));
    if (out.back() < 1)
      return node.fail("an image of at least the kernel " + shape_text(kernel), shape_text(input));
  }
  return out;
}

Result<Outputs> pool(const NodeView& node) {
  BT_TRY_VOID(want_image(node, 3));
  const Shape input = spatial(node.shape(0));
  BT_TRY(kernel, sizes_of(node, "kernel_shape", input.size(), 1));
  BT_TRY(sizes, slide(node, input, kernel));
  Shape out(node.shape(0).begin(), node.shape(0).begin() + 2);
  out.insert(out.end(), sizes.begin(), sizes.end());
  return Outputs{{node.in(0).type, out, {}}, {::onnx::TensorProto::INT64, out, {}}};
}

double pool_work(const NodeView& node, const Outputs& outputs) {
  return output_work(node, outputs) *
         static_cast<double>(elements(node.integer_list("kernel_shape")));
}

Result<Outputs> global_pool(const NodeView& node) {
  BT_TRY_VOID(want_image(node, 2));
  Shape out = node.shape(0);
  std::fill(out.begin() + 2, out.end(), 1);
  return Outputs{{node.in(0).type, std::move(out), {}}};
}

Result<Outputs> pad(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out{node.in(0).type, std::nullopt, {}};
  const bool attribute = node.opset() < 11;
  const auto pads =
      attribute ? std::optional(node.integer_list(node.has_attribute("pads") ? "pads" : "paddings"))
                : node.integers(1);
  const auto axes = node.has(3) ? node.integers(3) : std::optional<Shape>(Shape{});
  if (!pads || !axes) return Outputs{std::move(out)};
  Shape shape = node.shape(0);
  const std::size_t count = axes->empty() ? shape.size() : axes->size();
  if (pads->size() != 2 * count)
    return node.fail(std::to_string(2 * count) + " paddings", shape_text(*pads));
  for (std::size_t i = 0; i < count; ++i) {
    BT_TRY(axis,
           node.axis_of(axes->empty() ? static_cast<std::int64_t>(i) : (*axes)[i], shape.size()));
    for (const std::int64_t one : {(*pads)[i], (*pads)[count + i]}) {
      if (one < -kMaxSize || one > kMaxSize)
        return node.fail("paddings up to 2^31", shape_text(*pads));
      shape[axis] += one;
    }
    if (shape[axis] < 0) return node.fail("sizes of at least 0", shape_text(shape));
  }
  out.shape = std::move(shape);
  return Outputs{std::move(out)};
}

namespace {

// Axes that a Resize is of: all, unless an attribute says (opset 18).
Result<std::vector<std::size_t>> resized_axes(const NodeView& node, std::size_t rank) {
  std::vector<std::size_t> axes;
  for (const std::int64_t axis : node.integer_list("axes")) {
    BT_TRY(at, node.axis_of(axis, rank));
    axes.push_back(at);
  }
  for (std::size_t i = 0; axes.size() < rank && !node.has_attribute("axes"); ++i) axes.push_back(i);
  return axes;
}

// Where scales and sizes are among the inputs: both moved between opsets. An empty one is not
// there.
std::optional<std::size_t> filled_input(const NodeView& node, std::size_t input) {
  if (!node.has(input) || node.shape(input) == Shape{0}) return std::nullopt;
  return input;
}

}  // namespace

Result<Outputs> resize(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out{node.in(0).type, std::nullopt, {}};
  const bool upsample = node.op() == "Upsample" || node.opset() < 11;
  const auto scales_at = filled_input(node, upsample ? 1 : 2);
  const auto sizes_at = upsample ? std::nullopt : filled_input(node, 3);
  Shape shape = node.shape(0);
  BT_TRY(axes, resized_axes(node, shape.size()));
  std::vector<double> scales = node.number_list("scales");
  if (scales_at) scales = node.in(*scales_at).numbers.value_or(std::vector<double>());
  if (sizes_at) {
    const auto sizes = node.integers(*sizes_at);
    if (!sizes || node.text("keep_aspect_ratio_policy", "stretch") != "stretch")
      return Outputs{std::move(out)};
    if (sizes->size() != axes.size())
      return node.fail(std::to_string(axes.size()) + " sizes", shape_text(*sizes));
    for (std::size_t i = 0; i < axes.size(); ++i) shape[axes[i]] = (*sizes)[i];
  } else {
    if (scales.empty()) return Outputs{std::move(out)};
    if (scales.size() != axes.size())
      return node.fail(std::to_string(axes.size()) + " scales", std::to_string(scales.size()));
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const double size = std::floor(static_cast<double>(shape[axes[i]]) * scales[i]);
      if (!(size >= 0 && size < static_cast<double>(kMaxSize)))
        return node.fail("sizes below 2^31", std::to_string(size));
      shape[axes[i]] = static_cast<std::int64_t>(size);
    }
  }
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; }))
    return node.fail("sizes of at least 0", shape_text(shape));
  out.shape = std::move(shape);
  return Outputs{std::move(out)};
}

namespace {

Result<std::int64_t> block_of(const NodeView& node) {
  BT_TRY_VOID(want_image(node, 4));
  const std::int64_t block = node.integer("blocksize", 0);
  if (block < 1 || block > 4096 || node.shape(0).size() != 4)
    return node.fail("an image and a blocksize from 1 to 4096", std::to_string(block));
  return block;
}

}  // namespace

Result<Outputs> depth_to_space(const NodeView& node) {
  BT_TRY(block, block_of(node));
  const Shape& in = node.shape(0);
  if (in[1] % (block * block) != 0)
    return node.fail("channels in multiples of " + std::to_string(block * block), shape_text(in));
  return Outputs{
      {node.in(0).type, Shape{in[0], in[1] / (block * block), in[2] * block, in[3] * block}, {}}};
}

Result<Outputs> space_to_depth(const NodeView& node) {
  BT_TRY(block, block_of(node));
  const Shape& in = node.shape(0);
  if (in[2] % block != 0 || in[3] % block != 0)
    return node.fail("height and width in multiples of " + std::to_string(block), shape_text(in));
  return Outputs{
      {node.in(0).type, Shape{in[0], in[1] * block * block, in[2] / block, in[3] / block}, {}}};
}

Result<Outputs> grid_sample(const NodeView& node) {
  BT_TRY_VOID(want_image(node, 3));
  BT_TRY_VOID(node.want_inputs(2));
  const Shape &in = node.shape(0), &grid = node.shape(1);
  if (grid.size() != in.size())
    return node.fail("a grid of as many dimensions as " + shape_text(in), shape_text(grid));
  Shape out(in.begin(), in.begin() + 2);
  out.insert(out.end(), grid.begin() + 1, grid.end() - 1);
  return Outputs{{node.in(0).type, std::move(out), {}}};
}

}  // namespace batchtune::onnx_file

#include "tuner/backend/imported/window.h"

#include <algorithm>

namespace batchtune::imported {
namespace {

// What SAME adds along one axis, so that every stride has an output.
std::int64_t same_padding(std::int64_t in, std::int64_t kernel, std::int64_t stride,
                          std::int64_t dilation) {
  const std::int64_t outputs = (in + stride - 1) / stride;
  return std::max<std::int64_t>(0, (outputs - 1) * stride + (kernel - 1) * dilation + 1 - in);
}

bool assign(const std::vector<std::int64_t>& list, std::size_t count, kt::PerAxis& values) {
  if (list.empty()) return true;
  if (list.size() != count) return false;
  std::copy(list.begin(), list.end(), values.begin());
  return true;
}

}  // namespace

Shape kernel_of_weights(const CallNode& node, std::size_t weights) {
  const Shape& sizes = node.in(weights).shape->sizes;
  return {sizes.begin() + std::min<std::ptrdiff_t>(2, std::ssize(sizes)), sizes.end()};
}

tl::expected<kt::Window, std::string> window_of(const CallNode& node, const Shape& kernel) {
  const BatchedShape& image = *node.in(0).shape;
  if (node.rank() < 3 || node.rank() > 2 + kt::kMaxSpatial || kernel.size() != node.rank() - 2)
    return no_call("an image of " + std::to_string(node.rank()) + " dimensions with a window of " +
                   std::to_string(kernel.size()));
  if (image.batch_axis > 1) return no_call("the batch in a spatial axis");
  const std::size_t count = kernel.size();
  kt::Window window;
  std::copy(kernel.begin(), kernel.end(), window.kernel.begin());
  if (!assign(integers(node.node(), "strides"), count, window.stride) ||
      !assign(integers(node.node(), "dilations"), count, window.dilation))
    return no_call("strides or dilations of another length than the image has axes");
  const std::string automatic = text(node.node(), "auto_pad", "NOTSET");
  if (automatic == "VALID") return window;
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t total =
          same_padding(image.sizes[i + 2], kernel[i], window.stride[i], window.dilation[i]);
      window.pad_begin[i] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      window.pad_end[i] = total - window.pad_begin[i];
    }
    return window;
  }
  const auto pads = integers(node.node(), "pads");
  if (pads.empty()) return window;
  if (pads.size() != 2 * count) return no_call("pads of another length than the image has axes");
  const auto half = pads.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(pads.begin(), half, window.pad_begin.begin());
  std::copy(half, pads.end(), window.pad_end.begin());
  return window;
}

}  // namespace batchtune::imported

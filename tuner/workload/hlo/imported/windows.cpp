#include "tuner/workload/hlo/imported/windows.h"

#include <algorithm>

namespace batchtune::hlo {
namespace {

// What SAME adds along one axis, so that every stride has an output.
std::int64_t same_padding(const WindowAxis& axis, std::int64_t size) {
  const std::int64_t outputs = (size + axis.stride - 1) / axis.stride;
  return std::max<std::int64_t>(
      0, (outputs - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1 - size);
}

// The end's padding: as given, or what as many positions as `outputs` need.
std::int64_t padding_behind(WindowAxis axis, std::int64_t size, std::int64_t outputs) {
  if (positions(axis, size) == outputs) return axis.high;
  return (outputs - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1 - size - axis.low;
}

}  // namespace

tl::expected<Numbers, std::string> per_axis(const NodeWriter& n, const std::string& name,
                                            std::size_t count, std::int64_t otherwise) {
  Numbers list = n.integers(name);
  if (list.empty()) list.assign(count, otherwise);
  if (list.size() == count) return list;
  return not_written(name + " of another length than the image has axes");
}

tl::expected<Windows, std::string> windows_of(NodeWriter& n, const Numbers& kernel) {
  const Shape image = n.shape(), result = n.out_shape();
  const std::size_t count = kernel.size();
  if (image.size() != count + 2 || count == 0)
    return not_written("an image of " + std::to_string(image.size()) +
                       " dimensions with a window of " + std::to_string(count));
  const auto strides = per_axis(n, "strides", count, 1);
  const auto dilations = per_axis(n, "dilations", count, 1);
  if (!strides || !dilations) return not_written(strides ? dilations.error() : strides.error());
  const std::string automatic = n.text("auto_pad", "NOTSET");
  const Numbers pads = n.integers("pads");
  if (automatic == "NOTSET" && !pads.empty() && pads.size() != 2 * count)
    return not_written("pads of another length than the image has axes");
  Windows windows;
  for (std::size_t i = 0; i < count; ++i) {
    WindowAxis axis{.size = kernel[i], .stride = (*strides)[i], .dilation = (*dilations)[i]};
    const std::int64_t size = image[i + 2];
    if (automatic == "NOTSET" && !pads.empty()) {
      axis.low = pads[i];
      axis.high = pads[i + count];
    } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const std::int64_t total = same_padding(axis, size);
      axis.low = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      axis.high = total - axis.low;
    }
    windows.pad_end.push_back(axis.high);
    axis.high = padding_behind(axis, size, result[i + 2]);
    windows.axes.push_back(axis);
  }
  return windows;
}

std::vector<WindowAxis> with_channels(const std::vector<WindowAxis>& axes) {
  std::vector<WindowAxis> all(2);
  all.insert(all.end(), axes.begin(), axes.end());
  return all;
}

}  // namespace batchtune::hlo

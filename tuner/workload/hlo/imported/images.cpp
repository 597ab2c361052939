// Images in the file's order, channels first: convolution, pooling, normalisation of channels.
#include <algorithm>
#include <cmath>

#include "tuner/workload/hlo/imported/norms.h"
#include "tuner/workload/hlo/imported/quantised.h"
#include "tuner/workload/hlo/imported/windows.h"

namespace batchtune::hlo {
namespace {

constexpr std::int64_t kChannels = 1;  // the dimension

Numbers spatial_axes(NodeWriter& n) {
  return counted(2, n.rank());
}

// ---- convolution ----

// Sizes of the window: those of the weights, behind channels.
Numbers kernel_of_weights(NodeWriter& n, std::size_t weights = 1) {
  const Shape shape = n.shape(weights);
  return {shape.begin() + std::min<std::ptrdiff_t>(2, std::ssize(shape)), shape.end()};
}

ConvDims dims_of(std::size_t spatial, std::int64_t inputs, std::int64_t outputs) {
  const Numbers axes = counted(2, static_cast<std::int64_t>(spatial) + 2);
  return {
      .inputs_of_filters = inputs, .outputs_of_filters = outputs, .image = axes, .filters = axes};
}

Value with_bias(NodeWriter& n, const Value& x) {
  if (!n.has(2)) return x;
  return n.w().binary("add", x, n.spread_along(n.in(2), kChannels, x.shape));
}

Written conv(NodeWriter& n) {
  const auto windows = windows_of(n, kernel_of_weights(n));
  if (!windows) return not_written(windows.error());
  const ConvDims dims = dims_of(windows->axes.size(), 1, 0);
  return with_bias(n,
                   n.w().convolution(n.in(0), n.in(1), windows->axes, dims, n.integer("group", 1)));
}

// In s32. Padding is the zero point: it is subtracted before.
Value whole_conv(NodeWriter& n, const Windows& windows, const Value& x, const Value& filters) {
  const ConvDims dims = dims_of(windows.axes.size(), 1, 0);
  return n.w().convolution(x, filters, windows.axes, dims, n.integer("group", 1));
}

Written conv_integer(NodeWriter& n) {
  const auto windows = windows_of(n, kernel_of_weights(n));
  if (!windows) return not_written(windows.error());
  return whole_conv(n, *windows, without_zero_point(n, 0, 2, kChannels),
                    without_zero_point(n, 1, 3, 0));
}

// The bias has the scale of the products.
Written qlinear_conv(NodeWriter& n) {
  constexpr std::size_t kFilters = 3, kBias = 8;
  const auto windows = windows_of(n, kernel_of_weights(n, kFilters));
  if (!windows) return not_written(windows.error());
  Value sum = whole_conv(n, *windows, without_zero_point(n, 0, 2, kChannels),
                         without_zero_point(n, kFilters, 5, 0));
  if (n.has(kBias))
    sum = n.w().binary("add", sum, n.spread_along(n.in(kBias), kChannels, sum.shape));
  return requantised(n, sum, {1, kChannels}, {4, kChannels}, 6, 7);
}

// [inputs, outputs / groups, ..] as [inputs / groups, outputs, ..], the groups in order.
Value grouped_filters(NodeWriter& n, const Value& filters, std::int64_t groups) {
  if (groups == 1) return filters;
  Shape apart = filters.shape;
  apart[0] /= groups;
  apart.insert(apart.begin(), groups);
  Dims order = counted(0, std::ssize(apart));
  std::swap(order[0], order[1]);
  Shape together = filters.shape;
  together[0] /= groups;
  together[1] *= groups;
  return n.w().reshaped(n.w().transposed(n.w().reshaped(filters, apart), order), together);
}

// Padding at the beginning: as given, or what auto_pad or output_shape ask for of what the sizes
// leave over.
tl::expected<Numbers, std::string> transposed_padding(NodeWriter& n,
                                                      const std::vector<WindowAxis>& axes) {
  const std::string automatic = n.text("auto_pad", "NOTSET");
  const Numbers pads = n.integers("pads");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (!same && n.integers("output_shape").empty()) {
    Numbers begin(axes.size(), 0);
    if (automatic == "NOTSET" && pads.size() == 2 * axes.size())
      std::copy_n(pads.begin(), axes.size(), begin.begin());
    return begin;
  }
  const auto more = per_axis(n, "output_padding", axes.size(), 0);
  if (!more) return not_written(more.error());
  Numbers begin;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t total = axes[i].spread * (n.shape()[i + 2] - 1) + (*more)[i] +
                               (axes[i].size - 1) * axes[i].dilation + 1 - n.out_shape()[i + 2];
    const std::int64_t padding = std::max<std::int64_t>(total, 0);
    begin.push_back(automatic == "SAME_UPPER" ? padding / 2 : padding - padding / 2);
  }
  return begin;
}

// A convolution over the image with its elements `stride` apart, the window the other way round.
Written conv_transpose(NodeWriter& n) {
  const Numbers kernel = kernel_of_weights(n);
  const std::size_t count = kernel.size();
  const auto strides = per_axis(n, "strides", count, 1);
  const auto dilations = per_axis(n, "dilations", count, 1);
  if (!strides || !dilations || n.rank() != std::ssize(kernel) + 2)
    return not_written("strides or dilations of another length than the image has axes");
  std::vector<WindowAxis> axes;
  for (std::size_t i = 0; i < count; ++i)
    axes.push_back({.size = kernel[i], .dilation = (*dilations)[i], .spread = (*strides)[i]});
  const auto padding = transposed_padding(n, axes);
  if (!padding) return not_written(padding.error());
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t reach = (axes[i].size - 1) * axes[i].dilation;
    const std::int64_t spread = (n.shape()[i + 2] - 1) * axes[i].spread + 1;
    axes[i].low = reach - (*padding)[i];
    axes[i].high = n.out_shape()[i + 2] + reach - spread - axes[i].low;
  }
  const std::int64_t groups = n.integer("group", 1);
  const Value filters =
      n.w().reversed(grouped_filters(n, n.in(1), groups), counted(2, std::ssize(kernel) + 2));
  return with_bias(n, n.w().convolution(n.in(0), filters, axes, dims_of(count, 0, 1), groups));
}

// ---- pooling ----

Written max_pool(NodeWriter& n) {
  if (n.has_output(1)) return not_written("the output Indices");
  const auto windows = windows_of(n, n.integers("kernel_shape"));
  if (!windows) return not_written(windows.error());
  return n.w().folded_windows(Fold::maximum, n.in(), with_channels(windows->axes));
}

// Elements under each position along one axis that count: of the image, or of its padding too.
std::vector<double> counts_of(const WindowAxis& axis, std::int64_t size, std::int64_t outputs,
                              std::int64_t first, std::int64_t end) {
  std::vector<double> counts;
  for (std::int64_t i = 0; i < outputs; ++i) {
    double count = 0;
    for (std::int64_t k = 0; k < axis.size; ++k) {
      const std::int64_t place = i * axis.stride - axis.low + k * axis.dilation;
      if (place >= first && place < size + end) ++count;
    }
    counts.push_back(std::max(count, 1.0));
  }
  return counts;
}

Written average_pool(NodeWriter& n) {
  const auto windows = windows_of(n, n.integers("kernel_shape"));
  if (!windows) return not_written(windows.error());
  const bool whole = n.integer("count_include_pad", 0) != 0;
  const Value x = n.wide(n.in());
  Value sum = n.w().folded_windows(Fold::sum, x, with_channels(windows->axes));
  double everywhere = 1;
  for (std::size_t i = 0; i < windows->axes.size(); ++i) {
    const WindowAxis& axis = windows->axes[i];
    std::vector<double> shares = counts_of(axis, x.shape[i + 2], sum.shape[i + 2],
                                           whole ? -axis.low : 0, whole ? windows->pad_end[i] : 0);
    for (double& share : shares) share = 1 / share;
    if (std::count(shares.begin(), shares.end(), shares[0]) == std::ssize(shares)) {
      everywhere *= shares[0];
      continue;
    }
    const Value factors = n.w().constant(shares, sum.element, {std::ssize(shares)});
    const auto place = static_cast<std::int64_t>(i) + 2;
    sum = n.w().binary("multiply", sum, n.spread_along(factors, place, sum.shape));
  }
  return n.narrow(everywhere == 1 ? sum : n.w().binary("multiply", sum, everywhere));
}

// The norm's p was a floating number in opset 1.
double p_of(const NodeWriter& n) {
  return n.number("p", static_cast<double>(n.integer("p", 2)));
}

Formula to_power(const Formula& x, double p) {
  if (p == 1) return x.of("abs");
  return p == 2 ? x * x : x.of("abs").with("power", p);
}

Formula root_of(const Formula& x, double p) {
  if (p == 1) return x;
  return p == 2 ? x.of("sqrt") : x.with("power", 1 / p);
}

Written lp_pool(NodeWriter& n) {
  const auto windows = windows_of(n, n.integers("kernel_shape"));
  if (!windows) return not_written(windows.error());
  const Value powers = to_power(n.formula(n.wide(n.in())), p_of(n)).value();
  const Value sum = n.w().folded_windows(Fold::sum, powers, with_channels(windows->axes));
  return n.narrow(root_of(n.formula(sum), p_of(n)).value());
}

// Every element's share, then their sum. A factor behind the sum would be fused with the
// subtraction of a softmax that follows, and x less the largest x would no longer be 0: of
// SqueezeNet's logits of 1e10 in onnx's light model that makes NaN.
Written global_average_pool(NodeWriter& n) {
  const Value x = n.wide(n.in());
  double count = 1;
  for (const std::int64_t axis : spatial_axes(n))
    count *= static_cast<double>(x.shape[static_cast<std::size_t>(axis)]);
  return n.narrow(n.folded(Fold::sum, n.w().binary("multiply", x, 1 / count), spatial_axes(n)));
}

Written global_max_pool(NodeWriter& n) {
  return n.folded(Fold::maximum, n.in(), spatial_axes(n));
}

Written global_lp_pool(NodeWriter& n) {
  const Value powers = to_power(n.formula(n.wide(n.in())), p_of(n)).value();
  const Value sum = n.folded(Fold::sum, powers, spatial_axes(n));
  return n.narrow(root_of(n.formula(sum), p_of(n)).value());
}

// ---- normalisation ----

constexpr double kEpsilon = 1e-5;  // ONNX's, where the attribute is absent

// One value for each channel, everywhere.
Formula of_channels(NodeWriter& n, std::size_t i, const Shape& to) {
  return n.formula(n.spread_along(n.wide(n.in(i)), kChannels, to));
}

Written batch_normalization(NodeWriter& n) {
  const bool trains = n.integer("training_mode", 0) != 0 ||
                      (n.opset() < 7 && n.integer("is_test", 0) == 0 && n.has_output(1));
  if (trains) return not_written("training_mode");
  const Value x = n.wide(n.in());
  const Formula variance = n.formula(n.wide(n.in(4)));
  const Formula factor =
      n.formula(n.wide(n.in(1))) * (variance + n.number("epsilon", kEpsilon)).of("rsqrt");
  const Formula gain = n.formula(n.spread_along(factor.value(), kChannels, x.shape));
  return n.narrow(
      ((n.formula(x) - of_channels(n, 3, x.shape)) * gain + of_channels(n, 2, x.shape)).value());
}

Written instance_normalization(NodeWriter& n) {
  const Value x = n.wide(n.in());
  const Formula result = normalise(n, x, spatial_axes(n), n.number("epsilon", kEpsilon)).result *
                             of_channels(n, 1, x.shape) +
                         of_channels(n, 2, x.shape);
  return n.narrow(result.value());
}

// Gain and offset are of groups before opset 21, of channels since.
Written group_normalization(NodeWriter& n) {
  const Value x = n.wide(n.in());
  const std::int64_t groups = n.integer("num_groups", 1), channels = x.shape[1];
  if (groups < 1 || channels % groups != 0) return not_written("channels that are no groups");
  Shape apart = x.shape;
  apart[1] = channels / groups;
  apart.insert(apart.begin() + 1, groups);
  const Formula within = normalise(n, n.w().reshaped(x, apart), counted(2, std::ssize(apart)),
                                   n.number("epsilon", kEpsilon))
                             .result;
  const bool by_group = n.shape(1)[0] == groups && groups != channels;
  const Shape shape = by_group ? apart : x.shape;
  const Formula result =
      n.formula(n.w().reshaped(within.value(), shape)) * of_channels(n, 1, shape) +
      of_channels(n, 2, shape);
  return n.narrow(result.value());
}

Written lrn(NodeWriter& n) {
  const std::int64_t size = n.integer("size", 1);
  const Formula x = n.formula(n.wide(n.in()));
  std::vector<WindowAxis> window(static_cast<std::size_t>(n.rank()));
  window[kChannels] = {.size = size, .low = (size - 1) / 2, .high = size / 2};
  const Formula sum = n.formula(n.w().folded_windows(Fold::sum, (x * x).value(), window));
  const Formula base =
      sum * (n.number("alpha", 1e-4) / static_cast<double>(size)) + n.number("bias", 1);
  return n.narrow((x * base.with("power", -n.number("beta", 0.75))).value());
}

constexpr NodeRow kRows[] = {
    {"", "AveragePool", average_pool},
    {"", "BatchNormalization", batch_normalization},
    {"", "Conv", conv},
    {"", "ConvInteger", conv_integer},
    {"", "ConvTranspose", conv_transpose},
    {"", "GlobalAveragePool", global_average_pool},
    {"", "GlobalLpPool", global_lp_pool},
    {"", "GlobalMaxPool", global_max_pool},
    {"", "GroupNormalization", group_normalization},
    {"", "InstanceNormalization", instance_normalization},
    {"", "LRN", lrn},
    {"", "LpPool", lp_pool},
    {"", "MaxPool", max_pool},
    {"", "QLinearConv", qlinear_conv},
};

}  // namespace

std::span<const NodeRow> image_rows() {
  return kRows;
}

}  // namespace batchtune::hlo

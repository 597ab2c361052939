// Images in the file's order, channels first: convolution, pooling, normalisation, resampling.
#include <algorithm>

#include "kernels/tensor/images.h"
#include "kernels/tensor/resize.h"
#include "tuner/backend/imported/window.h"

namespace batchtune::imported {
namespace {

// ---- convolution ----

MadeCall conv(const CallNode& node) {
  const auto window = window_of(node, kernel_of_weights(node));
  if (!window) return no_call(window.error());
  const std::int64_t groups = integer(node.node(), "group", 1);
  return Call{[window = *window, groups](const CallData& data) {
                return kt::conv(data.context, data.in[0], data.in[1], data.optional(2), window,
                                groups, data.out[0], data.workspace);
              },
              [groups](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::conv_workspace_bytes(kernels, in[1], groups);
              }};
}

MadeCall conv_integer(const CallNode& node) {
  const auto window = window_of(node, kernel_of_weights(node));
  if (!window) return no_call(window.error());
  return Call{[window = *window, groups = integer(node.node(), "group", 1)](const CallData& data) {
    return kt::conv_integer(data.context, data.in[0], data.in[1], data.optional(2),
                            data.optional(3), window, groups, data.out[0]);
  }};
}

// ---- pooling ----

tl::expected<kt::Window, std::string> pool_window(const CallNode& node) {
  return window_of(node, integers(node.node(), "kernel_shape"));
}

MadeCall max_pool(const CallNode& node) {
  const auto window = pool_window(node);
  if (!window) return no_call(window.error());
  const bool column_major = integer(node.node(), "storage_order", 0) != 0;
  return Call{[window = *window, column_major](const CallData& data) {
    return kt::max_pool(data.context, data.in[0], window, data.out[0], data.asked(1),
                        column_major);
  }};
}

MadeCall average_pool(const CallNode& node) {
  const auto window = pool_window(node);
  if (!window) return no_call(window.error());
  const bool whole = integer(node.node(), "count_include_pad", 0) != 0;
  return Call{[window = *window, whole](const CallData& data) {
    return kt::average_pool(data.context, data.in[0], window, whole, data.out[0]);
  }};
}

// The norm's p was a floating number in opset 1.
double p_of(const CallNode& node) {
  return number(node.node(), "p", static_cast<double>(integer(node.node(), "p", 2)));
}

MadeCall lp_pool(const CallNode& node) {
  const auto window = pool_window(node);
  if (!window) return no_call(window.error());
  return Call{[window = *window, p = p_of(node)](const CallData& data) {
    return kt::lp_pool(data.context, data.in[0], window, p, data.out[0]);
  }};
}

template <kt::GlobalPool kKind>
MadeCall global_pool(const CallNode& node) {
  return Call{[p = p_of(node)](const CallData& data) {
    return kt::global_pool(data.context, kKind, data.in[0], p, data.out[0]);
  }};
}

// Indices are places in the tensor that the window says; one of another size is not made.
MadeCall max_unpool(const CallNode& node) {
  const auto kernel = integers(node.node(), "kernel_shape"), pads = integers(node.node(), "pads");
  const auto strides = integers(node.node(), "strides");
  const Shape &in = node.in(0).shape->sizes, &out = node.out().shape->sizes;
  for (std::size_t i = 0; node.has(2) && i + 2 < in.size() && i < kernel.size(); ++i) {
    const std::int64_t stride = i < strides.size() ? strides[i] : 1;
    const std::int64_t padding =
        pads.size() == 2 * kernel.size() ? pads[i] + pads[i + kernel.size()] : 0;
    if ((in[i + 2] - 1) * stride + kernel[i] - padding != out[i + 2])
      return no_call("an output_shape other than the window's");
  }
  return Call{[](const CallData& data) {
    return kt::max_unpool(data.context, data.in[0], data.in[1], data.out[0]);
  }};
}

// ---- normalisation ----

constexpr double kEpsilon = 1e-5;  // ONNX's, where the attribute is absent

MadeCall batch_normalization(const CallNode& node) {
  const bool trains =
      integer(node.node(), "training_mode", 0) != 0 ||
      (node.opset() < 7 && integer(node.node(), "is_test", 0) == 0 && node.has_output(1));
  if (trains) return no_call("training_mode");
  return Call{[epsilon = number(node.node(), "epsilon", kEpsilon)](const CallData& data) {
    return kt::batch_normalization(data.context, data.in[0], data.in[1], data.in[2], data.in[3],
                                   data.in[4], epsilon, data.out[0]);
  }};
}

MadeCall instance_normalization(const CallNode& node) {
  return Call{[epsilon = number(node.node(), "epsilon", kEpsilon)](const CallData& data) {
    return kt::instance_normalization(data.context, data.in[0], data.in[1], data.in[2], epsilon,
                                      data.out[0]);
  }};
}

MadeCall group_normalization(const CallNode& node) {
  const std::int64_t groups = integer(node.node(), "num_groups", 1);
  return Call{[groups, epsilon = number(node.node(), "epsilon", kEpsilon)](const CallData& data) {
    return kt::group_normalization(data.context, data.in[0], data.in[1], data.in[2], groups,
                                   epsilon, data.out[0]);
  }};
}

MadeCall lrn(const CallNode& node) {
  const kt::Lrn lrn{.size = integer(node.node(), "size", 1),
                    .alpha = number(node.node(), "alpha", 1e-4),
                    .beta = number(node.node(), "beta", 0.75),
                    .bias = number(node.node(), "bias", 1)};
  return Call{
      [lrn](const CallData& data) { return kt::lrn(data.context, data.in[0], lrn, data.out[0]); }};
}

// ---- resampling ----

template <typename T>
struct Word {
  std::string_view text;
  T value;
};

template <typename T, std::size_t kCount>
std::optional<T> word_of(const Word<T> (&words)[kCount], const std::string& text) {
  for (const Word<T>& word : words)
    if (word.text == text) return word.value;
  return std::nullopt;
}

constexpr Word<kt::Interpolation> kModes[] = {{"nearest", kt::Interpolation::nearest},
                                              {"linear", kt::Interpolation::linear},
                                              {"bilinear", kt::Interpolation::linear},
                                              {"cubic", kt::Interpolation::cubic},
                                              {"bicubic", kt::Interpolation::cubic}};
constexpr Word<kt::Nearest> kNearest[] = {{"round_prefer_floor", kt::Nearest::round_prefer_floor},
                                          {"round_prefer_ceil", kt::Nearest::round_prefer_ceil},
                                          {"floor", kt::Nearest::floor},
                                          {"ceil", kt::Nearest::ceil}};
constexpr Word<kt::Coordinates> kCoordinates[] = {
    {"half_pixel", kt::Coordinates::half_pixel},
    {"half_pixel_symmetric", kt::Coordinates::half_pixel_symmetric},
    {"pytorch_half_pixel", kt::Coordinates::pytorch_half_pixel},
    {"align_corners", kt::Coordinates::align_corners},
    {"asymmetric", kt::Coordinates::asymmetric},
    {"tf_crop_and_resize", kt::Coordinates::tf_crop_and_resize},
    {"tf_half_pixel_for_nn", kt::Coordinates::tf_half_pixel_for_nn}};
constexpr Word<kt::GridPadding> kPaddings[] = {{"zeros", kt::GridPadding::zeros},
                                               {"border", kt::GridPadding::border},
                                               {"reflection", kt::GridPadding::reflection}};

// Where scales and the region of interest are: Upsample and Resize of opset 10 have scales as
// input 1, the first Upsample as an attribute.
struct ResizeInputs {
  std::vector<double> scales;  // of the attribute
  std::optional<std::size_t> scales_at, roi_at;
  std::vector<std::size_t> axes;
};

// `given` has one value for each of the axes (twice: begins, then ends, for the region).
template <typename Array>
void put(const std::vector<double>& given, std::size_t first, const ResizeInputs& inputs,
         Array& values) {
  for (std::size_t i = 0; i < inputs.axes.size() && first + i < given.size(); ++i)
    values[inputs.axes[i]] = given[first + i];
}

kt::Outcome run_resize(const CallData& data, kt::Resize resize, const ResizeInputs& inputs) {
  const kt::Shape &from = data.in[0].shape, &to = data.out[0].shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    resize.scales[i] = static_cast<double>(to[i]) / static_cast<double>(from[i]);
    resize.roi_begin[i] = 0;
    resize.roi_end[i] = 1;
  }
  std::vector<double> scales = inputs.scales;
  if (inputs.scales_at && data.is_there(*inputs.scales_at))
    scales = numbers(data.in[*inputs.scales_at]);
  put(scales, 0, inputs, resize.scales);
  if (inputs.roi_at && data.is_there(*inputs.roi_at)) {
    const std::vector<double> roi = numbers(data.in[*inputs.roi_at]);
    if (roi.size() == 2 * inputs.axes.size()) {
      put(roi, 0, inputs, resize.roi_begin);
      put(roi, inputs.axes.size(), inputs, resize.roi_end);
    }
  }
  return kt::resize(data.context, data.in[0], resize, data.out[0]);
}

MadeCall resize(const CallNode& node) {
  const GraphNode& proto = node.node();
  const bool old = node.op() == "Upsample" || node.opset() < 11;
  kt::Resize resize;
  const auto mode = word_of(kModes, text(proto, "mode", "nearest"));
  const auto nearest =
      word_of(kNearest, text(proto, "nearest_mode", old ? "floor" : "round_prefer_floor"));
  const auto coordinates = word_of(kCoordinates, text(proto, "coordinate_transformation_mode",
                                                      old ? "asymmetric" : "half_pixel"));
  if (!mode || !nearest || !coordinates)
    return no_call("mode, nearest_mode or coordinate_transformation_mode that is not known");
  resize.mode = *mode;
  resize.nearest = *nearest;
  resize.coordinates = *coordinates;
  resize.antialias = integer(proto, "antialias", 0) != 0;
  resize.cubic_a = number(proto, "cubic_coeff_a", -0.75);
  resize.exclude_outside = integer(proto, "exclude_outside", 0) != 0;
  resize.extrapolation_value = number(proto, "extrapolation_value", 0);
  ResizeInputs inputs;
  inputs.scales = attribute<std::vector<double>>(proto, "scales", {});
  inputs.scales_at = old ? 1 : 2;
  if (!old) inputs.roi_at = 1;
  for (const std::int64_t one : integers(proto, "axes")) {
    const auto axis = CallNode::axis(one, node.rank());
    if (!axis) return no_call("axes that the input does not have");
    inputs.axes.push_back(*axis);
  }
  for (std::size_t i = 0; proto.attributes.count("axes") == 0 && i < node.rank(); ++i)
    inputs.axes.push_back(i);
  return Call{[resize, inputs](const CallData& data) { return run_resize(data, resize, inputs); }};
}

MadeCall grid_sample(const CallNode& node) {
  const auto mode = word_of(kModes, text(node.node(), "mode", "linear"));
  const auto padding = word_of(kPaddings, text(node.node(), "padding_mode", "zeros"));
  if (!mode || !padding) return no_call("mode or padding_mode that is not known");
  const kt::GridSample how{*mode, *padding, integer(node.node(), "align_corners", 0) != 0};
  return Call{[how](const CallData& data) {
    return kt::grid_sample(data.context, data.in[0], data.in[1], how, data.out[0]);
  }};
}

constexpr CallRow kRows[] = {
    {"", "AveragePool", average_pool},
    {"", "BatchNormalization", batch_normalization},
    {"", "Conv", conv},
    {"", "ConvInteger", conv_integer},
    {"", "GlobalAveragePool", global_pool<kt::GlobalPool::average>},
    {"", "GlobalLpPool", global_pool<kt::GlobalPool::lp>},
    {"", "GlobalMaxPool", global_pool<kt::GlobalPool::max>},
    {"", "GridSample", grid_sample},
    {"", "GroupNormalization", group_normalization},
    {"", "InstanceNormalization", instance_normalization},
    {"", "LRN", lrn},
    {"", "LpPool", lp_pool},
    {"", "MaxPool", max_pool},
    {"", "MaxUnpool", max_unpool},
    {"", "Resize", resize},
    {"", "Upsample", resize},
};

}  // namespace

std::span<const CallRow> image_calls() {
  return kRows;
}

}  // namespace batchtune::imported

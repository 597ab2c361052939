// Convolution and pooling.
#include "tuner/workload/op_shapes.h"

#include <utility>

namespace batchtune {

Status OpShapes::want_image() const {
  BT_TRY_VOID(want_inputs(1, 1));
  if (in_[0].size() == 3) return {};
  return fail("inputs[0]", "an image [height, width, channels]", text_of(in_[0]));
}

std::int64_t OpShapes::extent(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

Status OpShapes::check_window() const {
  const Window& w = op_.window;
  for (const auto& [key, value] : {std::pair{"kernel", w.kernel_h},
                                   {"kernel", w.kernel_w},
                                   {"stride", w.stride_h},
                                   {"stride", w.stride_w},
                                   {"dilation", w.dilation_h},
                                   {"dilation", w.dilation_w}})
    BT_TRY_VOID(want_range(key, value, 1, kMaxWindow));
  const std::int64_t high = extent(w.kernel_h, w.dilation_h),
                     wide = extent(w.kernel_w, w.dilation_w);
  // Padding below the kernel's extent: every window then covers some of the image.
  BT_TRY_VOID(want_range("padding", w.pad_top, 0, high - 1));
  BT_TRY_VOID(want_range("padding", w.pad_bottom, 0, high - 1));
  BT_TRY_VOID(want_range("padding", w.pad_left, 0, wide - 1));
  BT_TRY_VOID(want_range("padding", w.pad_right, 0, wide - 1));
  const Shape padded = {in_[0][0] + w.pad_top + w.pad_bottom, in_[0][1] + w.pad_left + w.pad_right};
  if (padded[0] < high || padded[1] < wide)
    return fail("kernel", "a window within the padded image " + text_of(padded),
                text_of({high, wide}));
  return {};
}

Shape OpShapes::windowed(std::int64_t channels) const {
  const Window& w = op_.window;
  return {
      (in_[0][0] + w.pad_top + w.pad_bottom - extent(w.kernel_h, w.dilation_h)) / w.stride_h + 1,
      (in_[0][1] + w.pad_left + w.pad_right - extent(w.kernel_w, w.dilation_w)) / w.stride_w + 1,
      channels};
}

Result<Shape> OpShapes::conv2d() {
  BT_TRY_VOID(want_image());
  BT_TRY_VOID(check_window());
  const std::int64_t channels = in_[0][2];
  BT_TRY_VOID(want_range("groups", op_.groups, 1, channels));
  BT_TRY_VOID(want_range("columns", op_.columns, 1, kMaxDimension));
  if (channels % op_.groups != 0 || op_.columns % op_.groups != 0)
    return fail("groups",
                "a divisor of both channel counts (" + std::to_string(channels) + " and " +
                    std::to_string(op_.columns) + ")",
                std::to_string(op_.groups));
  BT_TRY_VOID(
      check_size({op_.window.kernel_h, op_.window.kernel_w, channels / op_.groups, op_.columns},
                 "columns", "a filter"));
  return windowed(op_.columns);
}

Result<Shape> OpShapes::pool() {
  BT_TRY_VOID(want_image());
  BT_TRY_VOID(check_window());
  if (op_.window.dilation_h != 1 || op_.window.dilation_w != 1)
    return fail("dilation", "no dilation in pooling",
                text_of({op_.window.dilation_h, op_.window.dilation_w}));
  return windowed(in_[0][2]);
}

Result<Shape> OpShapes::global_pool() {
  BT_TRY_VOID(want_image());
  return Shape{in_[0][2]};
}

}  // namespace batchtune

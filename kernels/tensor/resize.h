// Resampling: Resize and Upsample over any axes, GridSample.
#pragma once

#include <array>

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

enum class Interpolation : std::uint8_t { nearest, linear, cubic };
enum class Nearest : std::uint8_t { round_prefer_floor, round_prefer_ceil, floor, ceil };
// Where output x lies in the input; formulas as in ONNX's Resize.
enum class Coordinates : std::uint8_t {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,  // Upsample
  tf_crop_and_resize,
  tf_half_pixel_for_nn,
};

struct Resize {
  Interpolation mode = Interpolation::nearest;
  Nearest nearest = Nearest::round_prefer_floor;
  Coordinates coordinates = Coordinates::half_pixel;
  double cubic_a = -0.75;
  // Linear and cubic: where the output is smaller, taps reach as far as its elements lie apart.
  bool antialias = false;
  bool exclude_outside = false;    // taps outside weigh 0, the rest are scaled to sum to 1
  double extrapolation_value = 0;  // tf_crop_and_resize, outside
  // One for each axis of the tensor, 1 where it is not resized: ONNX's `scales`, or out / in where
  // `sizes` are given.
  std::array<double, kMaxRank> scales{};
  std::array<double, kMaxRank> roi_begin{}, roi_end{};  // tf_crop_and_resize
};

// Any number type for nearest, floats and u8, i8 (rounded, as the reference does) else.
Outcome resize(const Context& context, const ConstTensor& in, const Resize& resize,
               const Tensor& out);

enum class GridPadding : std::uint8_t { zeros, border, reflection };
struct GridSample {
  Interpolation mode = Interpolation::linear;
  GridPadding padding = GridPadding::zeros;
  bool align_corners = false;
};
// in: [N][C][D1]..[Dr], grid: [N][out1]..[outr][r], r 2 or 3 (cubic: 2); floats.
Outcome grid_sample(const Context& context, const ConstTensor& in, const ConstTensor& grid,
                    const GridSample& how, const Tensor& out);

}  // namespace batchtune::kernels::tensor

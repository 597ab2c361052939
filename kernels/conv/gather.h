// Output pixels as rows of a matrix product (im2col, one block at a time). Private to kernels/conv.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv/conv.h"
#include "kernels/gemm/multiply.h"

namespace batchtune::kernels {

// Rows = output pixels in the order (sample, y, x); k = (kernel y, kernel x, channel of the group).
struct PixelRows {
  const ConvShape* shape;
  const std::byte* input;    // channel 0 of the group of pixel (0, 0) of sample 0
  std::int64_t pixel_bytes;  // from pixel to pixel
  std::int64_t out_h, out_w;
  std::int64_t channels;  // of a group
  bool lines_are_dense;   // the taps of a kernel line and their channels lie side by side
};

// Keeps a reference to `pixels`.
RowSource pixel_rows(const PixelRows& pixels);

}  // namespace batchtune::kernels

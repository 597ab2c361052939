// Convolutions as matrix products, block by block in a lane's scratch. Internal to this folder.
#pragma once

#include "kernels/tensor/geometry.h"
#include "kernels/tensor/tensor.h"
#include "kernels/workspace.h"

namespace batchtune::kernels::tensor {

// f32 tensors of a convolution. `g` is that of the convolution that goes from the larger image to
// the smaller one, in both directions.
struct ConvData {
  Geometry g;
  std::int64_t groups = 1;
  const float* in = nullptr;
  const float* weights = nullptr;
  float* out = nullptr;
};

// Channels of a group on either side, and taps: what the scratch depends on.
struct ConvSizes {
  std::int64_t large = 0, small = 0, taps = 1;
};

// From the larger image: out = weights x gathered pixels. `out` is overwritten.
std::size_t gather_and_multiply_bytes(const Kernels& kernels, const ConvSizes& sizes);
void gather_and_multiply(const Context& context, const ConvData& data, const Workspace& workspace);

// From the smaller image: products are added to `out`. `width`: pixels of a row of the small image.
std::size_t multiply_and_spread_bytes(const Kernels& kernels, const ConvSizes& sizes,
                                      std::int64_t width);
void multiply_and_spread(const Context& context, const ConvData& data, const Workspace& workspace);

}  // namespace batchtune::kernels::tensor

// Convolution and pooling, channels last.
#include <algorithm>

#include "tuner/workload/hlo/op_writer.h"

namespace batchtune::hlo {
namespace {

// Elements of the image, not of its padding, under each position of a window along one dimension.
std::vector<std::int64_t> covered(std::int64_t positions, std::int64_t kernel, std::int64_t stride,
                                  std::int64_t padding, std::int64_t size) {
  std::vector<std::int64_t> counts;
  for (std::int64_t i = 0; i < positions; ++i) {
    const std::int64_t begin = i * stride - padding;
    counts.push_back(std::min(begin + kernel, size) - std::max<std::int64_t>(begin, 0));
  }
  return counts;
}

// Along height and width.
std::vector<WindowAxis> spatial(const Window& w) {
  return {{w.kernel_h, w.stride_h, w.pad_top, w.pad_bottom, w.dilation_h, 1},
          {w.kernel_w, w.stride_w, w.pad_left, w.pad_right, w.dilation_w, 1}};
}

// With batch and channels.
std::vector<WindowAxis> whole(const Window& w) {
  const std::vector<WindowAxis> within = spatial(w);
  return {{}, within[0], within[1], {}};
}

}  // namespace

Value OpWriter::conv2d() {
  const Window& w = op_.window;
  const Shape filters = {w.kernel_h, w.kernel_w, in().shape[3] / op_.groups, op_.columns};
  const ConvDims dims{.channels = 3,
                      .inputs_of_filters = 2,
                      .outputs_of_filters = 3,
                      .image = {1, 2},
                      .filters = {0, 1}};
  return finished(w_.convolution(in(), weight("weight", filters, WeightRole::matrix), spatial(w),
                                 dims, op_.groups));
}

Value OpWriter::max_pool() {
  return w_.folded_windows(Fold::maximum, in(), whole(op_.window));
}

// [output height, output width]: one over what each window's sum is of.
Value OpWriter::shares_of_windows() {
  const Window& w = op_.window;
  const auto rows = covered(op_.output[0], w.kernel_h, w.stride_h, w.pad_top, in().shape[1]);
  const auto columns = covered(op_.output[1], w.kernel_w, w.stride_w, w.pad_left, in().shape[2]);
  std::vector<float> shares;
  for (const std::int64_t row : rows)
    for (const std::int64_t column : columns)
      shares.push_back(1.0F / static_cast<float>(row * column));
  return w_.constant(shares, {op_.output[0], op_.output[1]});
}

Value OpWriter::average_pool() {
  const Window& w = op_.window;
  const Value sum = w_.folded_windows(Fold::sum, wide(in()), whole(w));
  const bool padded = w.pad_top + w.pad_left + w.pad_bottom + w.pad_right > 0;
  if (op_.count_include_pad || !padded)
    return narrow(w_.binary("multiply", sum, 1.0 / static_cast<double>(w.kernel_h * w.kernel_w)));
  return narrow(w_.binary("multiply", sum, w_.broadcast(shares_of_windows(), shape(), {1, 2})));
}

Value OpWriter::global_pool() {
  const Shape& image = in().shape;
  const Value sum = w_.folded(Fold::sum, wide(in()), {1, 2});
  return narrow(w_.binary("multiply", sum, 1.0 / static_cast<double>(image[1] * image[2])));
}

}  // namespace batchtune::hlo

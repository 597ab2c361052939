// Chooses the way of each shape (product, gathered product, depthwise) and lays out the weights for
// it.
#include "kernels/conv/conv.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "kernels/bfloat16.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/gather.h"
#include "kernels/gemm/kernel.h"
#include "kernels/gemm/multiply.h"
#include "kernels/gemm/reference/naive.h"

namespace batchtune::kernels {
namespace {

// Output rows of a depthwise chunk: at least about this many multiply-adds, some 5 us.
constexpr std::int64_t kChunkWork = 1 << 16;

std::int64_t out_size(std::int64_t in, std::int64_t before, std::int64_t after, std::int64_t kernel,
                      std::int64_t dilation, std::int64_t stride) {
  const std::int64_t span = (kernel - 1) * dilation + 1;
  const std::int64_t padded = in + before + after;
  return padded < span ? 0 : (padded - span) / stride + 1;
}

// Output pixels are input pixels: a product over them as they lie.
bool is_pointwise(const ConvShape& s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 &&
         s.pad_top == 0 && s.pad_left == 0 && s.pad_bottom == 0 && s.pad_right == 0;
}

std::int64_t k_of(const ConvShape& s) {
  return s.kernel_h * s.kernel_w * (s.in_c / s.groups);
}

std::size_t tap_bytes(const ConvShape& s) {
  return static_cast<std::size_t>(s.kernel_h * s.kernel_w * s.in_c) * sizeof(float);
}

const void* moved(const void* data, std::int64_t elements, Dtype dtype) {
  return data == nullptr ? nullptr
                         : static_cast<const std::byte*>(data) +
                               elements * static_cast<std::int64_t>(bytes_of(dtype));
}

// A call with its defaults filled in.
struct Sizes {
  std::int64_t out_h, out_w, pixels, input_stride, output_stride;
};
Sizes sizes_of(const Conv& call) {
  const ConvShape& s = call.weights->shape();
  Sizes sizes{};
  sizes.out_h = s.out_h();
  sizes.out_w = s.out_w();
  sizes.pixels = call.batch * sizes.out_h * sizes.out_w;
  sizes.input_stride = call.input_stride == 0 ? s.in_c : call.input_stride;
  sizes.output_stride = call.output_stride == 0 ? s.out_c : call.output_stride;
  return sizes;
}

// One group as a product over its slices of input, output, bias and residual channels.
void multiply_group(const Conv& call, const Sizes& sizes, std::int64_t group,
                    const Workspace& workspace, Team& team) {
  const ConvShape& s = call.weights->shape();
  const PackedWeights& weights = call.weights->gemm();
  const GemmKernel& kernel = weights.kernel();
  const std::int64_t in_channels = s.in_c / s.groups, out_channels = s.out_c / s.groups;
  const auto element = static_cast<std::int64_t>(bytes_of(kernel.dtype));
  const auto* input =
      static_cast<const std::byte*>(moved(call.input, group * in_channels, kernel.dtype));

  const MatrixView matrix{input, sizes.input_stride * element};
  const bool dense = s.dilation_w == 1 && s.groups == 1 && sizes.input_stride == s.in_c;
  const PixelRows pixels{&s,          input, sizes.input_stride * element, sizes.out_h, sizes.out_w,
                         in_channels, dense};
  Product product{};
  product.kernel = &kernel;
  product.m = sizes.pixels;
  product.n = out_channels;
  product.k = weights.k();
  product.rows = is_pointwise(s) ? matrix_rows(kernel, matrix, product.k) : pixel_rows(pixels);
  product.weights = weights.group(group);
  product.epilogue = call.epilogue;
  const std::int64_t first = group * out_channels;
  product.c = static_cast<std::byte*>(call.output) +
              first * static_cast<std::int64_t>(bytes_of(call.epilogue.output));
  product.c_stride = sizes.output_stride;
  if (call.epilogue.bias != nullptr) product.epilogue.bias = call.epilogue.bias + first;
  product.epilogue.residual = moved(call.epilogue.residual, first, call.epilogue.output);
  multiply(product, workspace, team);
}

// The task of output row `index` (sample-major).
DepthwiseTask depthwise_task(const Conv& call, const Sizes& sizes, std::int64_t index) {
  const ConvShape& s = call.weights->shape();
  const Epilogue& epilogue = call.epilogue;
  const Dtype in = call.weights->dtype(), out = epilogue.output;
  const std::int64_t sample = index / sizes.out_h, y = index % sizes.out_h;
  const auto in_bytes = static_cast<std::int64_t>(bytes_of(in));
  const auto out_bytes = static_cast<std::int64_t>(bytes_of(out));
  DepthwiseTask task{};
  task.input = moved(call.input, sample * s.in_h * s.in_w * sizes.input_stride, in);
  task.in_h = s.in_h;
  task.in_w = s.in_w;
  task.input_stride = sizes.input_stride * in_bytes;
  task.taps = static_cast<const float*>(call.weights->taps());
  task.channels = s.in_c;
  task.kernel_h = s.kernel_h;
  task.kernel_w = s.kernel_w;
  task.dilation_h = s.dilation_h;
  task.dilation_w = s.dilation_w;
  task.top = y * s.stride_h - s.pad_top;
  task.left = -s.pad_left;
  task.stride_w = s.stride_w;
  task.out_w = sizes.out_w;
  task.scale = epilogue.scale;
  task.bias = epilogue.bias;
  task.activation = epilogue.activation;
  task.residual_at = epilogue.residual_at;
  task.residual = moved(epilogue.residual, index * sizes.out_w * epilogue.residual_stride, out);
  task.residual_stride = epilogue.residual_stride * out_bytes;
  task.output =
      static_cast<std::byte*>(call.output) + index * sizes.out_w * sizes.output_stride * out_bytes;
  task.output_stride = sizes.output_stride * out_bytes;
  task.stored = out;
  return task;
}

void run_depthwise(const Conv& call, const Sizes& sizes, Team& team) {
  const ConvShape& s = call.weights->shape();
  const DepthwiseKernel& kernel = *call.weights->depthwise();
  const std::int64_t rows = call.batch * sizes.out_h;
  const std::int64_t row_work =
      std::max<std::int64_t>(sizes.out_w * s.in_c * s.kernel_h * s.kernel_w, 1);
  const std::int64_t rows_per_chunk = std::clamp<std::int64_t>(kChunkWork / row_work, 1, rows);
  const std::int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  team.for_each(chunks, [&](std::int64_t chunk, int) {
    const std::int64_t end = std::min(rows, (chunk + 1) * rows_per_chunk);
    for (std::int64_t row = chunk * rows_per_chunk; row < end; ++row) {
      kernel.row(depthwise_task(call, sizes, row));
    }
  });
}

}  // namespace

std::int64_t ConvShape::out_h() const {
  return out_size(in_h, pad_top, pad_bottom, kernel_h, dilation_h, stride_h);
}
std::int64_t ConvShape::out_w() const {
  return out_size(in_w, pad_left, pad_right, kernel_w, dilation_w, stride_w);
}

ConvKernels select_conv(Dtype dtype, IsaMask allowed, std::span<const std::string_view> left_out) {
  return {&select_gemm(dtype, allowed, left_out), &select_depthwise(dtype, allowed, left_out)};
}

std::string_view kernel_name(const ConvKernels& kernels, const ConvShape& shape) {
  return shape.depthwise() ? name_of(*kernels.depthwise) : name_of(*kernels.gemm);
}

std::size_t PackedConv::bytes(const ConvKernels& kernels, const ConvShape& shape) {
  if (shape.depthwise()) return AlignedBuffer::footprint(tap_bytes(shape));
  return PackedWeights::bytes(*kernels.gemm, k_of(shape), shape.out_c / shape.groups, shape.groups);
}

std::optional<PackedConv> PackedConv::pack(const ConvKernels& kernels, const ConvShape& shape,
                                           const float* weights) {
  PackedConv packed;
  packed.shape_ = shape;
  if (!shape.depthwise()) {
    auto gemm = PackedWeights::pack(*kernels.gemm, k_of(shape), shape.out_c / shape.groups, weights,
                                    shape.groups);
    if (!gemm) return std::nullopt;
    packed.gemm_ = std::move(*gemm);
    return packed;
  }
  packed.depthwise_ = kernels.depthwise;
  packed.taps_ = AlignedBuffer::allocate(tap_bytes(shape));
  if (!packed.taps_) return std::nullopt;
  const std::int64_t taps = shape.kernel_h * shape.kernel_w;
  for (std::int64_t channel = 0; channel < shape.in_c; ++channel) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      packed.taps_.as<float>()[tap * shape.in_c + channel] =
          reference::as_stored(weights[channel * taps + tap], kernels.depthwise->dtype);
    }
  }
  return packed;
}

Dtype PackedConv::dtype() const {
  return depthwise_ != nullptr ? depthwise_->dtype : gemm_.kernel().dtype;
}

std::size_t conv_workspace_bytes(const ConvKernels& kernels, const ConvShape& shape) {
  return shape.depthwise() ? 0 : multiply_workspace_bytes(*kernels.gemm, k_of(shape));
}

void conv2d(const Conv& call, const Workspace& workspace, Team& team) {
  const Sizes sizes = sizes_of(call);
  if (sizes.pixels <= 0) return;
  if (call.weights->depthwise() != nullptr) return run_depthwise(call, sizes, team);
  for (std::int64_t group = 0; group < call.weights->shape().groups; ++group) {
    multiply_group(call, sizes, group, workspace, team);
  }
}

}  // namespace batchtune::kernels

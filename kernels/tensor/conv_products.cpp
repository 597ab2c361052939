#include "kernels/tensor/conv_products.h"

#include <algorithm>

#include "kernels/aligned_buffer.h"
#include "kernels/gemm/gemm.h"
#include "kernels/split.h"

namespace batchtune::kernels::tensor {
namespace {

// Floats of a block of gathered pixels or of products: within a second-level cache.
constexpr std::int64_t kBlockFloats = 128 * 1024;

std::size_t floats(std::int64_t count) {
  return AlignedBuffer::footprint(static_cast<std::size_t>(count) * sizeof(float));
}

ConvSizes sizes_of(const ConvData& data) {
  return {data.g.in_channels / data.groups, data.g.out_channels / data.groups, data.g.taps()};
}

// Products of one lane, with what is left of its scratch.
struct LaneProducts {
  const GemmKernel& kernel;
  std::byte* scratch;
  std::size_t bytes;

  void multiply(const BatchedGemm& call) const {
    Team alone;
    batched_gemm(kernel, call, {scratch, bytes}, alone);
  }
};

// ---- from the larger image ----

std::int64_t gathered_pixels(const ConvSizes& sizes) {
  const std::int64_t rows = sizes.large * sizes.taps;
  return std::clamp<std::int64_t>(kBlockFloats / std::max<std::int64_t>(1, rows) / 32 * 32, 32,
                                  1024);
}

// The outputs [begin, end) of row `row` (of all rows of the output plane) under one tap.
void gather_run(const Geometry& g, const float* plane, const PerAxis& tap, std::int64_t row,
                std::int64_t begin, std::int64_t end, float* to) {
  const std::int64_t z = g.place(0, row / g.out[1], tap[0]), y = g.place(1, row % g.out[1], tap[1]);
  if (z < 0 || z >= g.in[0] || y < 0 || y >= g.in[1]) {
    std::fill_n(to, end - begin, 0.0f);
    return;
  }
  const Span inner = windows_inside(g, 2, tap[2]);
  const std::int64_t first = std::clamp(inner.begin, begin, end);
  const std::int64_t last = std::clamp(inner.end, first, end);
  const float* from = plane + (z * g.in[1] + y) * g.in[2] + g.place(2, first, tap[2]);
  std::fill_n(to, first - begin, 0.0f);
  to += first - begin;
  if (g.stride[2] == 1) {
    std::copy_n(from, last - first, to);
  } else {
    for (std::int64_t i = 0; i < last - first; ++i) to[i] = from[i * g.stride[2]];
  }
  std::fill_n(to + (last - first), end - last, 0.0f);
}

// Pixels of outputs [begin, end) under every tap of every channel: [channels][taps][end - begin].
void gather_pixels(const Geometry& g, const float* in, std::int64_t channels, std::int64_t begin,
                   std::int64_t end, float* to) {
  for (std::int64_t row = 0; row < channels * g.taps(); ++row) {
    const std::int64_t tap = row % g.taps();
    const PerAxis place{tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                        tap % g.kernel[2]};
    const float* plane = in + row / g.taps() * g.in_plane();
    for (std::int64_t i = begin; i < end;) {
      const std::int64_t line = i / g.out[2], start = line * g.out[2];
      const std::int64_t last = std::min(end, start + g.out[2]);
      gather_run(g, plane, place, line, i - start, last - start, to);
      to += last - i;
      i = last;
    }
  }
}

// ---- from the smaller image ----

// Channels of the larger image whose products are made together, and pixels of the smaller one.
struct SpreadBlock {
  std::int64_t channels, pixels;
};
SpreadBlock spread_block(const ConvSizes& sizes, std::int64_t width) {
  const std::int64_t channels = std::clamp<std::int64_t>(64 / sizes.taps, 1, sizes.large);
  const std::int64_t rows = std::max<std::int64_t>(
      1, kBlockFloats / (channels * sizes.taps) / std::max<std::int64_t>(1, width));
  return {channels, std::max<std::int64_t>(1, width) * std::min<std::int64_t>(rows, 64)};
}

// Rows [begin, end) of the smaller image's plane, as products under one tap, onto a larger plane.
void spread_rows(const Geometry& g, const float* products, const PerAxis& tap, std::int64_t begin,
                 std::int64_t end, float* plane) {
  const Span inner = windows_inside(g, 2, tap[2]);
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t z = g.place(0, row / g.out[1], tap[0]);
    const std::int64_t y = g.place(1, row % g.out[1], tap[1]);
    if (z < 0 || z >= g.in[0] || y < 0 || y >= g.in[1]) continue;
    const float* from = products + (row - begin) * g.out[2];
    float* to = plane + (z * g.in[1] + y) * g.in[2] + g.place(2, 0, tap[2]);
    for (std::int64_t x = inner.begin; x < inner.end; ++x) to[x * g.stride[2]] += from[x];
  }
}

void spread(const Geometry& g, const float* products, std::int64_t channels, std::int64_t begin,
            std::int64_t end, float* out) {
  const std::int64_t pixels = (end - begin) * g.out[2];
  for (std::int64_t i = 0; i < channels * g.taps(); ++i) {
    const std::int64_t tap = i % g.taps();
    const PerAxis place{tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                        tap % g.kernel[2]};
    spread_rows(g, products + i * pixels, place, begin, end, out + i / g.taps() * g.in_plane());
  }
}

}  // namespace

std::size_t gather_and_multiply_bytes(const Kernels& kernels, const ConvSizes& sizes) {
  const std::int64_t k = sizes.large * sizes.taps, pixels = gathered_pixels(sizes);
  return floats(k * pixels) + batched_gemm_workspace_bytes(*kernels.gemm, {sizes.small, pixels, k});
}

void gather_and_multiply(const Context& context, const ConvData& data, const Workspace& workspace) {
  const Geometry& g = data.g;
  const ConvSizes sizes = sizes_of(data);
  const std::int64_t k = sizes.large * sizes.taps, each = gathered_pixels(sizes);
  const std::int64_t blocks = (g.out_plane() + each - 1) / each;
  context.team.for_each(g.batch * data.groups * blocks, [&](std::int64_t chunk, int lane) {
    const std::int64_t block = chunk % blocks, group = chunk / blocks;  // of all samples
    const std::int64_t begin = block * each, end = std::min(g.out_plane(), begin + each);
    auto* pixels = reinterpret_cast<float*>(workspace.lane(lane));
    gather_pixels(g, data.in + group * sizes.large * g.in_plane(), sizes.large, begin, end, pixels);
    BatchedGemm call;
    call.shape = {sizes.small, end - begin, k};
    call.a = {data.weights + group % data.groups * sizes.small * k, 0, 0, k};
    call.b = {pixels, 0, 0, end - begin};
    call.c = {data.out + group * sizes.small * g.out_plane() + begin, 0, 0, g.out_plane()};
    const std::size_t used = floats(k * each);
    LaneProducts{*context.kernels.gemm, workspace.lane(lane) + used, workspace.lane_bytes - used}
        .multiply(call);
  });
}

std::size_t multiply_and_spread_bytes(const Kernels& kernels, const ConvSizes& sizes,
                                      std::int64_t width) {
  const SpreadBlock block = spread_block(sizes, width);
  const std::int64_t m = block.channels * sizes.taps;
  return floats(m * sizes.small) + floats(m * block.pixels) +
         batched_gemm_workspace_bytes(*kernels.gemm, {m, block.pixels, sizes.small});
}

void multiply_and_spread(const Context& context, const ConvData& data, const Workspace& workspace) {
  const Geometry& g = data.g;
  const ConvSizes sizes = sizes_of(data);
  const SpreadBlock block = spread_block(sizes, g.out[2]);
  const std::int64_t blocks = (sizes.large + block.channels - 1) / block.channels;
  const std::int64_t rows = g.out[0] * g.out[1], step = block.pixels / g.out[2];
  context.team.for_each(g.batch * data.groups * blocks, [&](std::int64_t chunk, int lane) {
    const std::int64_t group = chunk / blocks, first = chunk % blocks * block.channels;
    const std::int64_t channels = std::min(block.channels, sizes.large - first);
    const std::int64_t m = channels * sizes.taps;
    std::byte* scratch = workspace.lane(lane);
    auto* weights = reinterpret_cast<float*>(scratch);  // [m][small]
    const std::size_t weight_bytes = floats(block.channels * sizes.taps * sizes.small);
    auto* products = reinterpret_cast<float*>(scratch + weight_bytes);
    const std::size_t used = weight_bytes + floats(block.channels * sizes.taps * block.pixels);
    const float* given =
        data.weights + (group % data.groups * sizes.small * sizes.large + first) * sizes.taps;
    for (std::int64_t c = 0; c < sizes.small; ++c) {
      for (std::int64_t i = 0; i < m; ++i) {
        weights[i * sizes.small + c] = given[c * sizes.large * sizes.taps + i];
      }
    }
    const float* in = data.in + group * sizes.small * g.out_plane();
    float* out = data.out + (group * sizes.large + first) * g.in_plane();
    const LaneProducts lane_products{*context.kernels.gemm, scratch + used,
                                     workspace.lane_bytes - used};
    for (std::int64_t row = 0; row < rows; row += step) {
      const std::int64_t last = std::min(rows, row + step), pixels = (last - row) * g.out[2];
      BatchedGemm call;
      call.shape = {m, pixels, sizes.small};
      call.a = {weights, 0, 0, sizes.small};
      call.b = {in + row * g.out[2], 0, 0, g.out_plane()};
      call.c = {products, 0, 0, pixels};
      lane_products.multiply(call);
      spread(g, products, channels, row, last, out);
    }
  });
}

}  // namespace batchtune::kernels::tensor

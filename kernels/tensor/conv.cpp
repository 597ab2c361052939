// Convolutions: as products where there is a workspace and enough channels; else by direct loops,
// in which output rows take scaled input rows, tap by tap.
#include <cstdint>

#include "kernels/tensor/conv_products.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/geometry.h"
#include "kernels/tensor/images.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// Where rows of one plane meet rows of another under one tap: outputs [span] of each axis.
struct RowsOfTap {
  std::array<Span, kMaxSpatial> span;
  PerAxis tap;
};

// f(input offset, output offset, n) for the rows of each tap; inputs lie stride[2] apart.
template <typename F>
void for_rows_of_tap(const Geometry& g, const RowsOfTap& rows, F f) {
  const std::int64_t n = rows.span[2].end - rows.span[2].begin;
  if (n <= 0) return;
  for (std::int64_t z = rows.span[0].begin; z < rows.span[0].end; ++z) {
    for (std::int64_t y = rows.span[1].begin; y < rows.span[1].end; ++y) {
      const std::int64_t in_row = g.place(0, z, rows.tap[0]) * g.in[1] + g.place(1, y, rows.tap[1]);
      f(in_row * g.in[2] + g.place(2, rows.span[2].begin, rows.tap[2]),
        (z * g.out[1] + y) * g.out[2] + rows.span[2].begin, n);
    }
  }
}

template <typename F>
void for_taps(const Geometry& g, F f) {
  std::int64_t tap = 0;
  for (std::int64_t z = 0; z < g.kernel[0]; ++z) {
    for (std::int64_t y = 0; y < g.kernel[1]; ++y) {
      for (std::int64_t x = 0; x < g.kernel[2]; ++x) {
        f(tap++,
          RowsOfTap{{windows_inside(g, 0, z), windows_inside(g, 1, y), windows_inside(g, 2, x)},
                    {z, y, x}});
      }
    }
  }
}

// `g` becomes that of the convolution from the larger image to the smaller one, whose channels the
// weights [small][large / groups][kernel...] have.
Outcome describe(const Shape& large, const Shape& small, const Shape& weights, const Window& window,
                 std::int64_t groups, Geometry& g) {
  if (const Outcome ok = make_geometry(large, small, window, g); !ok) return ok;
  if (groups < 1 || g.in_channels % groups != 0 || g.out_channels % groups != 0) {
    return {"the groups do not divide the channels"};
  }
  if (weights.size() != large.size() || weights[0] != g.out_channels ||
      weights[1] != g.in_channels / groups) {
    return {"the weights do not fit the channels"};
  }
  for (std::size_t i = 2; i < weights.size(); ++i) {
    if (weights[i] != window.kernel[i - 2]) return {"the weights do not fit the kernel"};
  }
  return kDone;
}

// Which way: from the larger image, or onto it.
enum class Way { gathers, spreads };

std::int64_t plane_bytes(const Geometry& g, std::int64_t channels) {
  return channels * g.in_plane() * g.taps() * static_cast<std::int64_t>(sizeof(float));
}

// The sum over the input's channels of one output plane.
void convolve_plane(const VectorKernel& kernel, const Geometry& g, std::int64_t channels,
                    const float* in, const float* weights, float* out) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* plane = in + c * g.in_plane();
    const float* taps = weights + c * g.taps();
    for_taps(g, [&](std::int64_t tap, const RowsOfTap& rows) {
      const float factor = taps[tap];
      for_rows_of_tap(g, rows, [&](std::int64_t from, std::int64_t to, std::int64_t n) {
        if (g.stride[2] == 1) return kernel.add_scaled(factor, plane + from, n, out + to);
        for (std::int64_t i = 0; i < n; ++i) out[to + i] += factor * plane[from + i * g.stride[2]];
      });
    });
  }
}

// As convolve_plane, with the parts exchanged: `g` describes the convolution whose input is `out`.
void spread_plane(const VectorKernel& kernel, const Geometry& g, std::int64_t channels,
                  const float* in, const float* weights, std::int64_t weights_of_channel,
                  float* out) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* plane = in + c * g.out_plane();
    const float* taps = weights + c * weights_of_channel;
    for_taps(g, [&](std::int64_t tap, const RowsOfTap& rows) {
      const float factor = taps[tap];
      for_rows_of_tap(g, rows, [&](std::int64_t to, std::int64_t from, std::int64_t n) {
        if (g.stride[2] == 1) return kernel.add_scaled(factor, plane + from, n, out + to);
        for (std::int64_t i = 0; i < n; ++i) out[to + i * g.stride[2]] += factor * plane[from + i];
      });
    });
  }
}

// Products pay where a gathered pixel is used by several channels.
constexpr std::int64_t kFewestChannels = 4;

// Of weights [outer][inner][taps...] whose group has `large` channels of the larger image.
bool multiplies(const Kernels& kernels, const ConvSizes& sizes) {
  return kernels.gemm != nullptr && sizes.small >= kFewestChannels && sizes.large > 0;
}
ConvSizes sizes_of(const Shape& weights, std::int64_t groups) {
  if (weights.size() < 3 || groups < 1) return {};
  return {weights[1], weights[0] / groups, product(weights, 2, weights.size())};
}

void add_bias(const Context& context, const float* bias, std::int64_t planes, std::int64_t channels,
              std::int64_t size, float* out) {
  if (bias == nullptr) return;
  split_rows(context.team, planes, 2 * size * static_cast<std::int64_t>(sizeof(float)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 float* plane = out + i * size;
                 context.kernels.vector->multiply_add(1, bias[i % channels], plane, size, plane);
               }
             });
}

bool has_room(const Context& context, const ConvSizes& sizes, const Geometry& g, Way way,
              const Workspace& workspace) {
  if (workspace.base == nullptr || !multiplies(context.kernels, sizes)) return false;
  if (g.batch * g.out_channels * g.out_plane() == 0) return false;
  const std::size_t wanted = way == Way::gathers
                                 ? gather_and_multiply_bytes(context.kernels, sizes)
                                 : multiply_and_spread_bytes(context.kernels, sizes, g.out[2]);
  return workspace.lane_bytes >= wanted;
}

// One plane of the output on direct loops, onto what it holds.
void add_plane(const VectorKernel& kernel, const ConvData& data, Way way, std::int64_t sample,
               std::int64_t channel, float* plane) {
  const Geometry& g = data.g;
  const std::int64_t large = g.in_channels / data.groups, small = g.out_channels / data.groups;
  if (way == Way::gathers) {
    const std::int64_t first = sample * g.in_channels + channel / small * large;
    return convolve_plane(kernel, g, large, data.in + first * g.in_plane(),
                          data.weights + channel * large * g.taps(), plane);
  }
  const std::int64_t first = channel / large * small;  // of the group's inputs
  spread_plane(kernel, g, small, data.in + (sample * g.out_channels + first) * g.out_plane(),
               data.weights + (first * large + channel % large) * g.taps(), large * g.taps(),
               plane);
}

Outcome run(const Context& context, Way way, const ConstTensor& in, const ConstTensor& weights,
            const ConstTensor* bias, const Window& window, std::int64_t groups, const Tensor& out,
            const Workspace& workspace) {
  const bool gathers = way == Way::gathers;
  Geometry g;
  const Outcome fits = describe(gathers ? in.shape : out.shape, gathers ? out.shape : in.shape,
                                weights.shape, window, groups, g);
  if (!fits) return fits;
  if (!is_float(in.type) || in.type != weights.type || in.type != out.type) {
    return {"input, weights and output are not of one float type"};
  }
  const std::int64_t channels = out.shape[1], size = gathers ? g.out_plane() : g.in_plane();
  if (bias != nullptr && bias->elements() != channels)
    return {"the bias does not fit the channels"};
  const Floats values(context, in), factors(context, weights);
  const Floats start(context, bias == nullptr ? ConstTensor{} : *bias);
  const FloatsOut results(out);
  const ConvData data{g, groups, values.data(), factors.data(), results.data()};
  const ConvSizes sizes{g.in_channels / groups, g.out_channels / groups, g.taps()};
  if (has_room(context, sizes, g, way, workspace)) {
    if (!gathers) std::fill_n(results.data(), out.elements(), 0.0f);
    gathers ? gather_and_multiply(context, data, workspace)
            : multiply_and_spread(context, data, workspace);
    add_bias(context, start.data(), g.batch * channels, channels, size, results.data());
    return results.finish(context);
  }
  split_rows(context.team, g.batch * channels, plane_bytes(g, gathers ? sizes.large : sizes.small),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 float* plane = results.data() + i * size;
                 std::fill_n(plane, size, bias == nullptr ? 0.0f : start[i % channels]);
                 add_plane(*context.kernels.vector, data, way, i / channels, i % channels, plane);
               }
             });
  return results.finish(context);
}

}  // namespace

std::size_t conv_workspace_bytes(const Kernels& kernels, const ConstTensor& weights,
                                 std::int64_t groups) {
  const ConvSizes sizes = sizes_of(weights.shape, groups);
  return multiplies(kernels, sizes) ? gather_and_multiply_bytes(kernels, sizes) : 0;
}

std::size_t conv_transpose_workspace_bytes(const Kernels& kernels, const ConstTensor& in,
                                           const ConstTensor& weights, std::int64_t groups) {
  const ConvSizes sizes = sizes_of(weights.shape, groups);
  if (in.shape.empty() || !multiplies(kernels, sizes)) return 0;
  return multiply_and_spread_bytes(kernels, sizes, in.shape.back());
}

Outcome conv(const Context& context, const ConstTensor& in, const ConstTensor& weights,
             const ConstTensor* bias, const Window& window, std::int64_t groups, const Tensor& out,
             const Workspace& workspace) {
  return run(context, Way::gathers, in, weights, bias, window, groups, out, workspace);
}

Outcome conv_transpose(const Context& context, const ConstTensor& in, const ConstTensor& weights,
                       const ConstTensor* bias, const Window& window, std::int64_t groups,
                       const Tensor& out, const Workspace& workspace) {
  return run(context, Way::spreads, in, weights, bias, window, groups, out, workspace);
}

Outcome conv_integer(const Context& context, const ConstTensor& in, const ConstTensor& weights,
                     const ConstTensor* in_zero, const ConstTensor* weights_zero,
                     const Window& window, std::int64_t groups, const Tensor& out) {
  Geometry g;
  const Outcome fits = describe(in.shape, out.shape, weights.shape, window, groups, g);
  if (!fits) return fits;
  if (bytes_of(in.type) != 1 || bytes_of(weights.type) != 1 || out.type != ElementType::i32) {
    return {"not from i8 or u8 to i32"};
  }
  if (in_zero != nullptr && in_zero->elements() != 1)
    return {"the input's zero point is no scalar"};
  const std::int64_t zeros = weights_zero == nullptr ? 1 : weights_zero->elements();
  if (zeros != 1 && zeros != g.out_channels) return {"the weights' zero points do not fit"};
  const std::int64_t each_in = g.in_channels / groups, each_out = g.out_channels / groups;
  const std::int64_t zero = in_zero == nullptr ? 0 : load_one<std::int64_t>(*in_zero);
  const auto convolved = [&](std::int64_t i) {
    const std::int64_t sample = i / g.out_channels, m = i % g.out_channels;
    const std::int64_t weight_zero =
        weights_zero == nullptr ? 0 : load_one<std::int64_t>(*weights_zero, zeros == 1 ? 0 : m);
    auto* plane = static_cast<std::int32_t*>(out.data) + i * g.out_plane();
    std::fill_n(plane, g.out_plane(), 0);
    for (std::int64_t c = 0; c < each_in; ++c) {
      const std::int64_t first =
          (sample * g.in_channels + m / each_out * each_in + c) * g.in_plane();
      for_taps(g, [&](std::int64_t tap, const RowsOfTap& rows) {
        const std::int64_t place = (m * each_in + c) * g.taps() + tap;
        const std::int64_t factor = load_one<std::int64_t>(weights, place) - weight_zero;
        for_rows_of_tap(g, rows, [&](std::int64_t from, std::int64_t to, std::int64_t n) {
          for (std::int64_t j = 0; j < n; ++j) {
            const auto x = load_one<std::int64_t>(in, first + from + j * g.stride[2]);
            plane[to + j] += static_cast<std::int32_t>(factor * (x - zero));
          }
        });
      });
    }
  };
  split_rows(context.team, g.batch * g.out_channels, plane_bytes(g, each_in),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) convolved(i);
             });
  return kDone;
}

}  // namespace batchtune::kernels::tensor

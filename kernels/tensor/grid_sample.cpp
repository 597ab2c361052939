#include <cmath>

#include "kernels/split.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/resize.h"
#include "kernels/tensor/walk.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr std::size_t kMaxAxes = 3;
constexpr int kMaxTaps = 4;

// Of one axis at one place: where to read, and how much of it; -1 is outside, where zeros are.
struct Taps {
  std::int64_t index[kMaxTaps] = {};
  float weight[kMaxTaps] = {};
};

double reflected(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  if (x >= low && x <= high) return x;
  const double distance = x < low ? low - x : x - high;
  const double times = std::floor(distance / range), rest = distance - times * range;
  const bool back = std::fmod(times, 2) == 0;  // from the end that it passed, else from the other
  return (x < low) == back ? low + rest : high - rest;
}

struct Axis {
  const GridSample& how;
  std::int64_t size;
  double low, high;  // the borders that are reflected at

  Axis(const GridSample& sample, std::int64_t length)
      : how(sample),
        size(length),
        low(sample.align_corners ? 0 : -0.5),
        high(static_cast<double>(length) - (sample.align_corners ? 1 : 0.5)) {}

  double last() const { return static_cast<double>(size - 1); }

  // From [-1, 1] to places of the input, taken inside where the padding says so.
  double place(double x) const {
    const double length = static_cast<double>(size);
    double at = how.align_corners ? (x + 1) / 2 * (length - 1) : ((x + 1) * length - 1) / 2;
    at = static_cast<double>(static_cast<float>(at));
    if (how.mode == Interpolation::nearest) at = std::nearbyint(at);
    if (at >= low && at <= high) return at;
    // Cubic places stay outside: it is their taps that the border holds, as in PyTorch.
    if (how.padding == GridPadding::border && how.mode != Interpolation::cubic) {
      return std::clamp(at, 0.0, last());
    }
    if (how.padding == GridPadding::reflection) return reflected(at, low, high);
    return at;
  }

  std::int64_t index(double at) const {
    if (how.padding == GridPadding::border) at = std::clamp(at, 0.0, last());
    if (how.padding == GridPadding::reflection) at = std::trunc(reflected(at, low, high));
    return at >= 0 && at <= last() ? static_cast<std::int64_t>(at) : -1;  // NaN: outside
  }

  int count() const {
    return how.mode == Interpolation::nearest ? 1 : how.mode == Interpolation::linear ? 2 : 4;
  }

  Taps taps(double x) const {
    Taps taps;
    const double at = place(x), floor = std::floor(at), t = at - floor;
    double first = floor, weights[kMaxTaps] = {1 - t, t};
    if (how.mode == Interpolation::nearest) {
      first = std::trunc(at);
      weights[0] = 1;
    } else if (how.mode == Interpolation::cubic) {
      first = floor - 1;
      constexpr double kA = -0.75;
      const auto near = [](double d) { return ((kA + 2) * d - (kA + 3)) * d * d + 1; };
      const auto far = [](double d) { return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA; };
      weights[0] = far(t + 1);
      weights[1] = near(t);
      weights[2] = near(1 - t);
      weights[3] = far(2 - t);
    }
    for (int i = 0; i < count(); ++i) {
      taps.index[i] = index(first + i);
      taps.weight[i] = static_cast<float>(weights[i]);
    }
    return taps;
  }
};

// The input's places and weights for one output, the same for all channels.
struct Reads {
  std::int64_t offset[64];  // 4 x 4 x 4
  float weight[64];
  int count = 0;
};

void gather(std::span<const Axis> axes, const Shape& strides, const float* grid, Reads& reads) {
  Taps taps[kMaxAxes];
  const std::size_t rank = axes.size();
  // The grid's coordinates are in the other order: x first.
  for (std::size_t i = 0; i < rank; ++i) {
    taps[i] = axes[i].taps(static_cast<double>(grid[rank - 1 - i]));
  }
  const int each = axes[0].count();
  int all = 1;
  for (std::size_t i = 0; i < rank; ++i) all *= each;
  reads.count = 0;
  for (int i = 0; i < all; ++i) {
    std::int64_t offset = 0;
    float weight = 1;
    bool inside = true;
    for (std::size_t axis = rank, rest = static_cast<std::size_t>(i); axis-- > 0;) {
      const auto tap = rest % static_cast<std::size_t>(each);
      rest /= static_cast<std::size_t>(each);
      inside = inside && taps[axis].index[tap] >= 0;
      offset += taps[axis].index[tap] * strides[2 + axis];
      weight *= taps[axis].weight[tap];
    }
    if (!inside) continue;
    reads.offset[reads.count] = offset;
    reads.weight[reads.count++] = weight;
  }
}

}  // namespace

Outcome grid_sample(const Context& context, const ConstTensor& in, const ConstTensor& grid,
                    const GridSample& how, const Tensor& out) {
  if (!is_float(in.type) || in.type != out.type || !is_float(grid.type)) return {"not of floats"};
  const std::size_t rank = in.shape.size() < 2 ? 0 : in.shape.size() - 2;
  if (rank < 2 || rank > kMaxAxes) return {"not of 2 or 3 spatial axes"};
  Shape expected{in.shape[0], in.shape[1]};
  if (grid.shape.size() != rank + 2) return {"input and grid differ in rank"};
  for (std::size_t i = 0; i < rank; ++i) expected.push_back(grid.shape[1 + i]);
  if (grid.shape[0] != in.shape[0] || grid.shape[rank + 1] != static_cast<std::int64_t>(rank)) {
    return {"the grid does not fit the input"};
  }
  if (out.shape != expected) return {"the output does not fit the grid"};
  if (out.elements() == 0) return kDone;
  if (in.elements() == 0) return {"nothing to sample"};
  const Floats values(context, in), places(context, grid);
  const FloatsOut results(out);
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < rank; ++i) axes.emplace_back(how, in.shape[2 + i]);
  const Shape strides = dense_strides(in.shape);
  const std::int64_t channels = in.shape[1], in_plane = strides[1];
  const std::int64_t out_plane = product(out.shape, 2, out.shape.size());
  const std::int64_t bytes = channels * 20 * static_cast<std::int64_t>(sizeof(float));
  split_rows(context.team, out.shape[0] * out_plane, bytes,
             [&](std::int64_t begin, std::int64_t end) {
               Reads reads;
               for (std::int64_t i = begin; i < end; ++i) {
                 gather(axes, strides, places.data() + i * static_cast<std::int64_t>(rank), reads);
                 const std::int64_t first = i / out_plane * channels;
                 for (std::int64_t c = first; c < first + channels; ++c) {
                   float sum = 0;
                   for (int j = 0; j < reads.count; ++j) {
                     sum += reads.weight[j] * values[c * in_plane + reads.offset[j]];
                   }
                   results.data()[c * out_plane + i % out_plane] = sum;
                 }
               }
             });
  return results.finish(context);
}

}  // namespace batchtune::kernels::tensor

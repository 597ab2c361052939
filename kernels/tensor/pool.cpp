#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/tensor/floats.h"
#include "kernels/tensor/geometry.h"
#include "kernels/tensor/images.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// One window: its taps inside the image, axis by axis.
struct Taps {
  const Geometry& g;
  PerAxis at{};
  std::array<Span, kMaxSpatial> span{};

  bool empty() const {
    return std::any_of(span.begin(), span.end(), [](Span s) { return s.end <= s.begin; });
  }
  // Taps, counting those in the padding.
  std::int64_t with_padding() const {
    std::int64_t taps = 1;
    for (std::size_t axis = 0; axis < kMaxSpatial; ++axis) {
      const std::int64_t end = g.in[axis] + g.pad_end[axis];
      std::int64_t n = 0;
      while (n < g.kernel[axis] && g.place(axis, at[axis], n) < end) ++n;
      taps *= n;
    }
    return taps;
  }
  // f(value, offset in the plane) of every tap inside.
  template <typename F>
  void for_each(const float* plane, F f) const {
    for (std::int64_t z = span[0].begin; z < span[0].end; ++z) {
      const std::int64_t slice = g.place(0, at[0], z) * g.in[1];
      for (std::int64_t y = span[1].begin; y < span[1].end; ++y) {
        const std::int64_t row = (slice + g.place(1, at[1], y)) * g.in[2];
        const std::int64_t first = row + g.place(2, at[2], 0);
        for (std::int64_t x = span[2].begin; x < span[2].end; ++x) {
          f(plane[first + x * g.dilation[2]], first + x * g.dilation[2]);
        }
      }
    }
  }
};

// f(plane of the input, its number, taps) gives each output.
template <typename F>
void for_windows(const Context& context, const Geometry& g, const float* in, float* out, F f) {
  const std::int64_t rows = g.out[0] * g.out[1];
  const std::int64_t bytes = g.out[2] * (g.taps() + 1) * static_cast<std::int64_t>(sizeof(float));
  split_rows(context.team, g.batch * g.out_channels * rows, bytes,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t row = begin; row < end; ++row) {
                 const std::int64_t plane = row / rows;
                 Taps taps{g, {row % rows / g.out[1], row % g.out[1], 0}, {}};
                 taps.span[0] = taps_inside(g, 0, taps.at[0]);
                 taps.span[1] = taps_inside(g, 1, taps.at[1]);
                 for (std::int64_t x = 0; x < g.out[2]; ++x) {
                   taps.at[2] = x;
                   taps.span[2] = taps_inside(g, 2, x);
                   const std::int64_t i = row * g.out[2] + x;
                   out[i] = f(in + plane * g.in_plane(), plane, i, taps);
                 }
               }
             });
}

// The place of an offset in a plane, counted with the first axis fastest.
std::int64_t column_major_offset(const Geometry& g, std::int64_t offset) {
  const std::int64_t x = offset % g.in[2], y = offset / g.in[2] % g.in[1];
  const std::int64_t z = offset / (g.in[2] * g.in[1]);
  return z + g.in[0] * (y + g.in[1] * x);
}

Outcome prepare(const ConstTensor& in, const Window& window, const Tensor& out, Geometry& g) {
  if (in.type != out.type) return {"input and output differ in type"};
  if (const Outcome ok = make_geometry(in.shape, out.shape, window, g); !ok) return ok;
  return g.in_channels == g.out_channels ? kDone : Outcome{"input and output differ in channels"};
}

Outcome prepare_floats(const ConstTensor& in, const Window& window, const Tensor& out,
                       Geometry& g) {
  if (!is_float(in.type)) return {"not a float type"};
  return prepare(in, window, out, g);
}

float power_of(float value, float p) {
  const float size = std::abs(value);
  return p == 2 ? size * size : p == 1 ? size : std::pow(size, p);
}
float root_of(float sum, float p) {
  return p == 2 ? std::sqrt(sum) : p == 1 ? sum : std::pow(sum, 1 / p);
}

}  // namespace

Outcome max_pool(const Context& context, const ConstTensor& in, const Window& window,
                 const Tensor& out, const Tensor* indices, bool column_major) {
  Geometry g;
  if (const Outcome ok = prepare(in, window, out, g); !ok) return ok;
  if (!is_float(in.type) && bytes_of(in.type) != 1) return {"not a float type, i8 or u8"};
  if (indices != nullptr &&
      (indices->type != ElementType::i64 || indices->elements() != out.elements())) {
    return {"the indices are not i64, one for each output"};
  }
  auto* places = indices == nullptr ? nullptr : static_cast<std::int64_t*>(indices->data);
  const Floats values(context, in);
  const FloatsOut results(out);
  const auto largest = [&](const float* from, std::int64_t plane, std::int64_t i,
                           const Taps& taps) -> float {
    float best = -std::numeric_limits<float>::infinity();
    if (places == nullptr) {
      // One instruction, no branch; a NaN is looked for beside it.
      unsigned any_nan = 0;
      taps.for_each(from, [&](float x, std::int64_t) {
        best = x > best ? x : best;
        any_nan |= static_cast<unsigned>(x != x);
      });
      if (any_nan != 0) return std::numeric_limits<float>::quiet_NaN();
      return taps.empty() ? 0 : best;
    }
    std::int64_t place = -1;
    taps.for_each(from, [&](float x, std::int64_t offset) {
      if (place >= 0 && !(x > best)) return;
      best = x;
      place = offset;
    });
    if (place >= 0 && column_major) place = column_major_offset(g, place);
    places[i] = place < 0 ? -1 : plane * g.in_plane() + place;
    return place < 0 ? 0 : best;
  };
  for_windows(context, g, values.data(), results.data(), largest);
  return results.finish(context);
}

Outcome average_pool(const Context& context, const ConstTensor& in, const Window& window,
                     bool count_include_pad, const Tensor& out) {
  Geometry g;
  if (const Outcome ok = prepare_floats(in, window, out, g); !ok) return ok;
  const Floats values(context, in);
  const FloatsOut results(out);
  const auto average = [&](const float* from, std::int64_t, std::int64_t, const Taps& taps) {
    float sum = 0;
    std::int64_t count = 0;
    taps.for_each(from, [&](float x, std::int64_t) {
      sum += x;
      ++count;
    });
    if (count_include_pad) count = taps.with_padding();
    return count == 0 ? 0.0f : sum / static_cast<float>(count);
  };
  for_windows(context, g, values.data(), results.data(), average);
  return results.finish(context);
}

Outcome lp_pool(const Context& context, const ConstTensor& in, const Window& window, double p,
                const Tensor& out) {
  Geometry g;
  if (const Outcome ok = prepare_floats(in, window, out, g); !ok) return ok;
  const auto power = static_cast<float>(p);
  const Floats values(context, in);
  const FloatsOut results(out);
  const auto norm = [&](const float* from, std::int64_t, std::int64_t, const Taps& taps) {
    float sum = 0;
    taps.for_each(from, [&](float x, std::int64_t) { sum += power_of(x, power); });
    return root_of(sum, power);
  };
  for_windows(context, g, values.data(), results.data(), norm);
  return results.finish(context);
}

Outcome global_pool(const Context& context, GlobalPool kind, const ConstTensor& in, double p,
                    const Tensor& out) {
  if (!is_float(in.type) || in.type != out.type) return {"not of one float type"};
  if (in.shape.size() < 2) return {"not of two axes at least"};
  const std::int64_t planes = in.shape[0] * in.shape[1];
  const std::int64_t n = product(in.shape, 2, in.shape.size());
  if (out.elements() != planes) return {"the output has another size"};
  if (n == 0) return {"nothing to pool"};
  const auto power = static_cast<float>(p);
  const Floats values(context, in);
  const FloatsOut results(out);
  const VectorKernel& kernel = *context.kernels.vector;
  const auto pooled = [&](const float* plane) -> float {
    if (kind == GlobalPool::max) return kernel.fold_row(Fold::max)(plane, n, 0);
    if (kind == GlobalPool::average) {
      return kernel.fold_row(Fold::sum)(plane, n, 0) / static_cast<float>(n);
    }
    if (power == 2) return std::sqrt(kernel.fold_row(Fold::sum_square)(plane, n, 0));
    float sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += power_of(plane[i], power);
    return root_of(sum, power);
  };
  split_rows(context.team, planes, n * static_cast<std::int64_t>(sizeof(float)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 results.data()[i] = pooled(values.data() + i * n);
               }
             });
  return results.finish(context);
}

Outcome max_unpool(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                   const Tensor& out, const Shape* counted_in) {
  if (in.type != out.type) return {"input and output differ in type"};
  if (indices.type != ElementType::i64 || indices.elements() != in.elements()) {
    return {"the indices are not i64, one for each input"};
  }
  const Shape& counted = counted_in == nullptr ? out.shape : *counted_in;
  if (counted.size() != out.shape.size()) return {"ranks differ"};
  for (std::size_t axis = 0; axis < counted.size(); ++axis) {
    if (counted[axis] > out.shape[axis]) return {"the output is too small"};
  }
  const std::uint64_t zero = 0;
  if (const Outcome ok = fill(context, {out.type, {}, &zero}, out); !ok) return ok;
  const Shape strides = dense_strides(out.shape);
  const std::int64_t elements = elements_of(counted);
  Outcome outcome = kDone;
  for (std::int64_t i = 0; i < in.elements(); ++i) {
    std::int64_t rest = static_cast<const std::int64_t*>(indices.data)[i], place = 0;
    if (rest < 0 || rest >= elements) {
      outcome = {"an index is out of range"};
      continue;
    }
    for (std::size_t axis = counted.size(); axis-- > 0;) {
      place += rest % counted[axis] * strides[axis];
      rest /= counted[axis];
    }
    std::memcpy(at(out.data, out.type, place), at(in.data, in.type, i), bytes_of(in.type));
  }
  return outcome;
}

}  // namespace batchtune::kernels::tensor

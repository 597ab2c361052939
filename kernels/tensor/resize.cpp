// Resampling is done axis by axis: every output index of an axis has a few taps with weights, the
// same for all that lies beside it.
#include "kernels/tensor/resize.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/split.h"
#include "kernels/tensor/along.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

struct AxisPlan {
  std::int64_t count = 0;  // taps of each output; 0: the axis stays as it is
  std::int64_t size = 0;
  // [size][count], and [size].
  std::vector<std::int64_t> index;
  std::vector<float> weight;
  std::vector<std::uint8_t> outside;  // of the crop: the extrapolation value

  const std::int64_t* indices(std::int64_t i) const { return index.data() + i * count; }
  const float* weights(std::int64_t i) const { return weight.data() + i * count; }
  bool is_outside(std::int64_t i) const { return outside[static_cast<std::size_t>(i)] != 0; }
};

// Where output x lies in the input.
double coordinate(const Resize& r, std::size_t axis, std::int64_t in, std::int64_t out, double x) {
  const double scale = r.scales[axis], size = static_cast<double>(in);
  const double length = scale * size;  // of the output, not rounded
  switch (r.coordinates) {
    case Coordinates::half_pixel:
      return (x + 0.5) / scale - 0.5;
    case Coordinates::half_pixel_symmetric: {
      const double offset = size / 2 * (1 - static_cast<double>(out) / length);
      return offset + (x + 0.5) / scale - 0.5;
    }
    case Coordinates::pytorch_half_pixel:
      return length == 1 ? -0.5 : (x + 0.5) / scale - 0.5;
    case Coordinates::align_corners:
      return length == 1 ? 0 : x * (size - 1) / (length - 1);
    case Coordinates::asymmetric:
      return x / scale;
    case Coordinates::tf_half_pixel_for_nn:
      return (x + 0.5) / scale;
    case Coordinates::tf_crop_and_resize: {
      const double begin = r.roi_begin[axis], crop = r.roi_end[axis] - begin;
      const double place =
          length == 1 ? crop * (size - 1) / 2 : x * crop * (size - 1) / (length - 1);
      return begin * (size - 1) + place;
    }
  }
  return x;
}

double nearest_of(Nearest mode, double x) {
  switch (mode) {
    case Nearest::round_prefer_floor:
      return std::ceil(x - 0.5);
    case Nearest::round_prefer_ceil:
      return std::floor(x + 0.5);
    case Nearest::floor:
      return std::floor(x);
    case Nearest::ceil:
      return std::ceil(x);
  }
  return x;
}

// The weight of a tap that lies x away. Cubic: Keys' convolution.
double weight_of(const Resize& r, double x) {
  const double a = r.cubic_a, distance = std::abs(x);
  if (r.mode == Interpolation::linear) return std::max(0.0, 1 - distance);
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance >= 2) return 0;
  return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
}

// Distances are measured in elements of the input, or, against aliasing, of the smaller output.
double unit_of(const Resize& r, std::size_t axis) {
  return r.antialias ? std::min(1.0, r.scales[axis]) : 1;
}

std::int64_t tap_count(const Resize& r, double unit) {
  if (r.mode == Interpolation::nearest) return 1;
  const double reach = r.mode == Interpolation::linear ? 1 : 2;
  return 2 * static_cast<std::int64_t>(std::ceil(reach / unit));
}

// Appends the taps of an output that lies at x in the input.
void append_taps(const Resize& r, std::int64_t in, double x, double unit, AxisPlan& plan) {
  const bool nearest = r.mode == Interpolation::nearest;
  const auto half = static_cast<double>(plan.count / 2), last = static_cast<double>(in - 1);
  const double first = nearest ? nearest_of(r.nearest, x) : std::floor(x) + 1 - half;
  std::vector<double> weights;
  double sum = 0;
  for (std::int64_t i = 0; i < plan.count; ++i) {
    const double place = first + static_cast<double>(i);
    const bool left_out = r.exclude_outside && (place < 0 || place > last);
    weights.push_back(left_out ? 0 : nearest ? 1 : weight_of(r, (place - x) * unit));
    sum += weights.back();
    plan.index.push_back(static_cast<std::int64_t>(std::clamp(place, 0.0, last)));
  }
  const bool to_one = (r.exclude_outside || r.antialias) && sum != 0;
  for (const double weight : weights)
    plan.weight.push_back(static_cast<float>(to_one ? weight / sum : weight));
}

AxisPlan plan_axis(const Resize& r, std::size_t axis, std::int64_t in, std::int64_t out) {
  AxisPlan plan;
  const bool crops = r.coordinates == Coordinates::tf_crop_and_resize;
  const bool whole = !crops || (r.roi_begin[axis] == 0 && r.roi_end[axis] == 1);
  if (in == out && whole && std::abs(r.scales[axis] - 1) < 1e-9) return plan;
  const double unit = unit_of(r, axis);
  plan.count = tap_count(r, unit);
  for (std::int64_t i = 0; i < out; ++i) {
    const double x = coordinate(r, axis, in, out, static_cast<double>(i));
    append_taps(r, in, x, unit, plan);
    plan.outside.push_back(crops && (x < 0 || x > static_cast<double>(in - 1)) ? 1 : 0);
  }
  plan.size = out;
  return plan;
}

// ---- nearest: whole elements of any type ----

template <typename T>
void take_row(const AxisPlan& plan, const T* in, T extrapolation, T* out, std::int64_t n) {
  if (plan.count == 0) {
    std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(T));
    return;
  }
  const std::int64_t* index = plan.index.data();
  const std::uint8_t* outside = plan.outside.data();
  for (std::int64_t i = 0; i < n; ++i) out[i] = outside[i] != 0 ? extrapolation : in[index[i]];
}

template <typename T>
void take_nearest(const Context& context, const ConstTensor& in, std::span<const AxisPlan> plans,
                  T extrapolation, const Tensor& out) {
  const std::size_t last = in.shape.size() - 1;
  const Shape strides = dense_strides(in.shape);
  const std::int64_t n = out.shape[last], rows = product(out.shape, 0, last);
  split_rows(context.team, rows, 2 * n * static_cast<std::int64_t>(sizeof(T)),
             [&](std::int64_t begin, std::int64_t end) {
               std::int64_t before = -1;  // where the row before was taken from
               for (std::int64_t row = begin; row < end; ++row) {
                 std::int64_t offset = 0, rest = row;
                 bool outside = false;
                 for (std::size_t axis = last; axis-- > 0;) {
                   const std::int64_t i = rest % out.shape[axis];
                   rest /= out.shape[axis];
                   const bool same = plans[axis].count == 0;
                   offset += (same ? i : *plans[axis].indices(i)) * strides[axis];
                   outside = outside || (!same && plans[axis].is_outside(i));
                 }
                 T* to = static_cast<T*>(out.data) + row * n;
                 if (outside) {
                   std::fill_n(to, n, extrapolation);
                 } else if (offset == before) {
                   std::memcpy(to, to - n, static_cast<std::size_t>(n) * sizeof(T));
                 } else {
                   take_row(plans[last], static_cast<const T*>(in.data) + offset, extrapolation, to,
                            n);
                 }
                 before = outside ? -1 : offset;
               }
             });
}

// ---- linear and cubic: one axis of f32 after the other ----

// Along the last axis: outputs one by one. kCount: taps of each, 0 where only the plan knows.
template <std::int64_t kCount>
void blend_row(const AxisPlan& plan, const float* in, float extrapolation, float* out) {
  const std::int64_t* index = plan.index.data();
  const float* weight = plan.weight.data();
  const std::uint8_t* outside = plan.outside.data();
  const std::int64_t count = kCount == 0 ? plan.count : kCount;
  for (std::int64_t i = 0; i < plan.size; ++i) {
    float sum = 0;
    for (std::int64_t j = 0; j < count; ++j)
      sum += weight[i * count + j] * in[index[i * count + j]];
    out[i] = outside[i] != 0 ? extrapolation : sum;
  }
}

// Along another one: rows of `inner` elements are added up.
void blend_rows(const VectorKernel& kernel, const AxisPlan& plan, std::int64_t i,
                std::int64_t inner, const float* in, float extrapolation, float* out) {
  if (plan.is_outside(i)) {
    std::fill_n(out, inner, extrapolation);
    return;
  }
  const std::int64_t* index = plan.indices(i);
  const float* weight = plan.weights(i);
  kernel.multiply_add(weight[0], 0, in + index[0] * inner, inner, out);
  for (std::int64_t tap = 1; tap < plan.count; ++tap) {
    kernel.add_scaled(weight[tap], in + index[tap] * inner, inner, out);
  }
}

void blend_axis(const Context& context, const AxisPlan& plan, const Along& shape, const float* in,
                float extrapolation, float* out) {
  const std::int64_t row_bytes = (plan.count + 1) * static_cast<std::int64_t>(sizeof(float));
  if (shape.inner == 1) {
    const auto blend = plan.count == 2   ? &blend_row<2>
                       : plan.count == 4 ? &blend_row<4>
                                         : &blend_row<0>;
    split_rows(context.team, shape.outer, row_bytes * plan.size,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   blend(plan, in + i * shape.size, extrapolation, out + i * plan.size);
                 }
               });
    return;
  }
  split_rows(context.team, shape.outer * plan.size, row_bytes * shape.inner,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 blend_rows(*context.kernels.vector, plan, i % plan.size, shape.inner,
                            in + i / plan.size * shape.size * shape.inner, extrapolation,
                            out + i * shape.inner);
               }
             });
}

Outcome blend(const Context& context, const ConstTensor& in, std::span<const AxisPlan> plans,
              float extrapolation, const Tensor& out) {
  const Floats values(context, in);
  const FloatsOut results(out);
  std::vector<float> steps[2];
  const float* from = values.data();
  Shape shape = in.shape;
  std::size_t left = 0;  // axes that are still to be done
  for (const AxisPlan& plan : plans) left += plan.count != 0 ? 1u : 0u;
  // From the last axis on: what grows is then made of the smaller tensors.
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const AxisPlan& plan = plans[axis];
    if (plan.count == 0) continue;
    const Along along = Along::of(shape, axis);
    shape[axis] = plan.size;
    float* to = results.data();
    if (--left > 0) {
      std::vector<float>& step = steps[left % 2];
      step.resize(static_cast<std::size_t>(elements_of(shape)));
      to = step.data();
    }
    blend_axis(context, plan, along, from, extrapolation, to);
    from = to;
  }
  if (!is_float(out.type)) {
    context.kernels.vector->unary(Unary::round)(0, 0, results.data(), out.elements(),
                                                results.data());
  }
  return results.finish(context);
}

}  // namespace

Outcome resize(const Context& context, const ConstTensor& in, const Resize& resize,
               const Tensor& out) {
  if (in.type != out.type) return {"input and output differ in type"};
  if (in.shape.size() != out.shape.size()) return {"input and output differ in rank"};
  if (in.type == ElementType::boolean) return {"boolean is not resized"};
  if (out.elements() == 0) return kDone;
  if (in.elements() == 0) return {"nothing to resize"};
  std::array<AxisPlan, kMaxRank> plans;
  bool changes = false;
  for (std::size_t axis = 0; axis < in.shape.size(); ++axis) {
    const double scale = resize.scales[axis];
    if (!(scale > 0)) return {"a scale is not above 0"};
    if (resize.antialias && scale * static_cast<double>(in.shape[axis]) < 0.5) {
      return {"a scale that leaves no element"};
    }
    plans[axis] = plan_axis(resize, axis, in.shape[axis], out.shape[axis]);
    changes = changes || plans[axis].count != 0;
  }
  if (!changes) return copy(context, in, out);
  const std::span<const AxisPlan> used(plans.data(), in.shape.size());
  if (resize.mode != Interpolation::nearest) {
    return blend(context, in, used, static_cast<float>(resize.extrapolation_value), out);
  }
  with_size(bytes_of(in.type), [&](auto tag) {
    using T = decltype(tag);
    T extrapolation{};
    store(in.type, &resize.extrapolation_value, 1, &extrapolation, 0);
    take_nearest(context, in, used, extrapolation, out);
  });
  return kDone;
}

}  // namespace batchtune::kernels::tensor

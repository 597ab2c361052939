#include "kernels/tensor/cast.h"

#include <cmath>
#include <limits>

#include "kernels/split.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

std::int64_t traffic(ElementType from, ElementType to) {
  return static_cast<std::int64_t>(bytes_of(from) + bytes_of(to));
}

// The index of an element's scale, for runs of elements that share one or walk along with them.
struct Scales {
  std::int64_t inner = 1;    // elements for one index of the axis
  std::int64_t size = 1;     // of the axis
  std::int64_t block = 1;    // indices of the axis that share a scale
  std::int64_t blocks = 1;   // scales along the axis
  bool per_element = false;  // blocked: the other axes have scales of their own

  std::int64_t of(std::int64_t element) const {
    const std::int64_t along = element / inner % size / block;
    if (!per_element) return along;
    return (element / (inner * size) * blocks + along) * inner + element % inner;
  }
};

// False where the scale's shape does not fit.
bool resolve(const Shape& in, const Shape& scale, const Scaling& scaling, Scales& scales) {
  const bool one = elements_of(scale) == 1;
  if (one && scaling.block_size == 0) return true;
  const auto axis = static_cast<std::size_t>(scaling.axis);
  if (scaling.axis < 0 || axis >= in.size()) return false;
  scales.inner = product(in, axis + 1, in.size());
  scales.size = in[axis];
  if (scaling.block_size == 0) {
    scales.blocks = scales.size;
    return scale.size() == 1 && scale[0] == in[axis];
  }
  scales.block = scaling.block_size;
  scales.blocks = (in[axis] + scales.block - 1) / scales.block;
  scales.per_element = true;
  Shape expected = in;
  expected[axis] = scales.blocks;
  return scaling.block_size > 0 && scale == expected;
}

struct Quantisation {
  ConstTensor scale;
  const ConstTensor* zero_point;
  Scales scales;

  double scale_of(std::int64_t element) const {
    return load_one<double>(scale, scales.of(element));
  }
  std::int64_t zero_of(std::int64_t element) const {
    return zero_point == nullptr ? 0 : load_one<std::int64_t>(*zero_point, scales.of(element));
  }
  // Whether elements from one to the next share the scale, and up to where.
  std::int64_t run_from(std::int64_t element, std::int64_t end) const {
    if (scales.per_element) return scales.inner == 1 ? rest_of_block(element, end) : 1;
    if (scales.blocks == 1 && scales.size == 1) return end - element;
    return std::min(end, (element / scales.inner + 1) * scales.inner) - element;
  }

 private:
  std::int64_t rest_of_block(std::int64_t element, std::int64_t end) const {
    const std::int64_t place = element % scales.size;
    const std::int64_t last = std::min(scales.size, (place / scales.block + 1) * scales.block);
    return std::min(end - element, last - place);
  }
};

Outcome check(const ConstTensor& in, const ConstTensor& scale, const ConstTensor* zero_point,
              const Scaling& scaling, const Tensor& out, Scales& scales) {
  if (in.shape != out.shape) return {"input and output differ in shape"};
  if (!is_float(scale.type)) return {"the scale is no float"};
  if (!resolve(in.shape, scale.shape, scaling, scales)) {
    return {"the scale's shape does not fit the input's"};
  }
  if (zero_point != nullptr && zero_point->elements() != scale.elements()) {
    return {"scale and zero point differ in shape"};
  }
  return kDone;
}

struct Ends {
  double low, high;
};
bool ends_of(ElementType type, Ends& ends) {
  const auto of = [&](auto tag) {
    using Limits = std::numeric_limits<decltype(tag)>;
    ends = {static_cast<double>(Limits::min()), static_cast<double>(Limits::max())};
    return true;
  };
  switch (type) {
    case ElementType::i8:
      return of(std::int8_t{});
    case ElementType::u8:
      return of(std::uint8_t{});
    case ElementType::i16:
      return of(std::int16_t{});
    case ElementType::u16:
      return of(std::uint16_t{});
    default:
      return false;
  }
}

// For each run of elements that share a scale: f(element, n, scale, zero).
template <typename F>
void for_scales(const Quantisation& how, std::int64_t begin, std::int64_t end, F f) {
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t run = how.run_from(i, end);
    const double scale = how.scale_of(i);
    const std::int64_t zero = how.zero_of(i);
    for (std::int64_t j = 0; j < run; j += kBlock) {
      f(i + j, std::min(kBlock, run - j), scale, zero);
    }
    i += run;
  }
}

}  // namespace

Outcome cast(const Context& context, const ConstTensor& in, const Tensor& out) {
  if (in.shape != out.shape) return {"input and output differ in shape"};
  if (in.type == out.type) return in.data == out.data ? kDone : copy(context, in, out);
  with_wide(in.type, [&](auto tag) {
    using W = decltype(tag);
    split_rows(context.team, in.elements(), traffic(in.type, out.type),
               [&](std::int64_t begin, std::int64_t end) {
                 W block[kBlock];
                 for (std::int64_t i = begin; i < end; i += kBlock) {
                   const std::int64_t n = std::min(kBlock, end - i);
                   load(in.type, in.data, i, n, block);
                   store(out.type, block, n, out.data, i);
                 }
               });
  });
  return kDone;
}

Outcome quantize_linear(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                        const ConstTensor* zero_point, const Scaling& scaling, const Tensor& out) {
  Quantisation how{scale, zero_point, {}};
  if (const Outcome ok = check(in, scale, zero_point, scaling, out, how.scales); !ok) return ok;
  Ends ends{};
  if (!ends_of(out.type, ends)) return {"quantised to a type that is not i8, u8, i16 or u16"};
  if (zero_point != nullptr && zero_point->type != out.type) {
    return {"zero point and output differ in type"};
  }
  // The quotient is rounded as the scale's type rounds it.
  const bool single = scale.type != ElementType::f64;
  split_rows(
      context.team, in.elements(), traffic(in.type, out.type),
      [&](std::int64_t begin, std::int64_t end) {
        const auto run = [&](std::int64_t i, std::int64_t n, double factor, std::int64_t zero) {
          double x[kBlock];
          load(in.type, in.data, i, n, x);
          for (std::int64_t j = 0; j < n; ++j) {
            const double share =
                single ? static_cast<double>(static_cast<float>(x[j]) / static_cast<float>(factor))
                       : x[j] / factor;
            x[j] =
                std::clamp(std::nearbyint(share) + static_cast<double>(zero), ends.low, ends.high);
          }
          store(out.type, x, n, out.data, i);
        };
        for_scales(how, begin, end, run);
      });
  return kDone;
}

Outcome dequantize_linear(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                          const ConstTensor* zero_point, const Scaling& scaling,
                          const Tensor& out) {
  Quantisation how{scale, zero_point, {}};
  if (const Outcome ok = check(in, scale, zero_point, scaling, out, how.scales); !ok) return ok;
  if (!is_integer(in.type) || !is_float(out.type)) return {"not from an integer to a float"};
  if (zero_point != nullptr && zero_point->type != in.type) {
    return {"zero point and input differ in type"};
  }
  split_rows(context.team, in.elements(), traffic(in.type, out.type),
             [&](std::int64_t begin, std::int64_t end) {
               const auto run = [&](std::int64_t i, std::int64_t n, double factor,
                                    std::int64_t zero) {
                 double x[kBlock];
                 load(in.type, in.data, i, n, x);
                 for (std::int64_t j = 0; j < n; ++j) {
                   x[j] = (x[j] - static_cast<double>(zero)) * factor;
                 }
                 store(out.type, x, n, out.data, i);
               };
               for_scales(how, begin, end, run);
             });
  return kDone;
}

Outcome dynamic_quantize_linear(const Context& context, const ConstTensor& in, const Tensor& out,
                                const Tensor& scale, const Tensor& zero_point) {
  if (in.type != ElementType::f32 || out.type != ElementType::u8 ||
      scale.type != ElementType::f32 || zero_point.type != ElementType::u8) {
    return {"not from f32 to u8 with an f32 scale and a u8 zero point"};
  }
  const auto* x = static_cast<const float*>(in.data);
  float low = 0, high = 0;
  for (std::int64_t i = 0; i < in.elements(); ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  const float step = (high - low) / 255.0f;
  const float zero = step == 0 ? 0 : std::clamp(std::nearbyint(-low / step), 0.0f, 255.0f);
  *static_cast<float*>(scale.data) = step;
  *static_cast<std::uint8_t*>(zero_point.data) = static_cast<std::uint8_t>(zero);
  const ConstTensor zero_input = zero_point;
  if (step == 0) {
    const std::uint8_t none = 0;
    return fill(context, {ElementType::u8, {}, &none}, out);
  }
  return quantize_linear(context, in, {ElementType::f32, {}, scale.data}, &zero_input, {}, out);
}

}  // namespace batchtune::kernels::tensor

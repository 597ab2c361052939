// Normalisation of images: of channels, planes and groups of planes.
#include <cmath>
#include <vector>

#include "kernels/split.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/images.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

struct Planes {
  std::int64_t batch = 0, channels = 1, size = 1;  // size: elements of a plane
};

Outcome resolve(const ConstTensor& in, const Tensor& out, Planes& planes) {
  if (!is_float(in.type) || in.type != out.type) return {"not of one float type"};
  if (in.shape != out.shape) return {"input and output differ in shape"};
  if (in.shape.empty()) return {"a scalar has no channels"};
  planes.batch = in.shape[0];
  if (in.shape.size() > 1) planes.channels = in.shape[1];
  planes.size = product(in.shape, std::min<std::size_t>(2, in.shape.size()), in.shape.size());
  return kDone;
}

Outcome check_channels(std::int64_t channels, std::initializer_list<const ConstTensor*> tensors) {
  for (const ConstTensor* tensor : tensors) {
    if (!is_float(tensor->type)) return {"a parameter is no float"};
    if (tensor->elements() != channels) return {"a parameter does not fit the channels"};
  }
  return kDone;
}

// f(i) for rows of `length` elements.
template <typename F>
void for_rows(const Context& context, std::int64_t rows, std::int64_t length, F f) {
  split_rows(context.team, length == 0 ? 0 : rows,
             2 * length * static_cast<std::int64_t>(sizeof(float)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) f(i);
             });
}

struct Moments {
  float mean, factor;  // factor: 1 / sqrt(variance + epsilon)
};
Moments moments_of(const VectorKernel& kernel, const float* x, std::int64_t n, double epsilon) {
  const auto count = static_cast<float>(n);
  const float mean = kernel.fold_row(Fold::sum)(x, n, 0) / count;
  const float variance = kernel.fold_row(Fold::sum_square)(x, n, mean) / count;
  return {mean, 1.0f / std::sqrt(variance + static_cast<float>(epsilon))};
}

// (x - mean) factor + shift: the mean goes first, so that little is lost where it is large.
void normalize(const VectorKernel& kernel, const float* x, std::int64_t n, float mean, float factor,
               float shift, float* out) {
  kernel.binary(Binary::sub, Operands::second_is_one)(x, &mean, n, out);
  kernel.multiply_add(factor, shift, out, n, out);
}

// Groups of `each` channels that lie together are normalised as one.
void normalize_groups(const Context& context, const Planes& planes, std::int64_t each,
                      const float* in, const Floats& scale, const Floats& bias, bool of_groups,
                      double epsilon, float* out) {
  const std::int64_t groups = planes.channels / each, length = each * planes.size;
  const VectorKernel& kernel = *context.kernels.vector;
  for_rows(context, planes.batch * groups, length, [&](std::int64_t i) {
    const Moments moments = moments_of(kernel, in + i * length, length, epsilon);
    for (std::int64_t c = 0; c < each; ++c) {
      const std::int64_t channel = of_groups ? i % groups : i % groups * each + c;
      const std::int64_t plane = i * length + c * planes.size;
      normalize(kernel, in + plane, planes.size, moments.mean, moments.factor * scale[channel],
                bias[channel], out + plane);
    }
  });
}

}  // namespace

Outcome batch_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                            const ConstTensor& bias, const ConstTensor& mean,
                            const ConstTensor& variance, double epsilon, const Tensor& out) {
  Planes planes;
  if (const Outcome ok = resolve(in, out, planes); !ok) return ok;
  if (const Outcome ok = check_channels(planes.channels, {&scale, &bias, &mean, &variance}); !ok) {
    return ok;
  }
  const Floats values(context, in), gain(context, scale), shift(context, bias);
  const Floats center(context, mean), spread(context, variance);
  const FloatsOut results(out);
  for_rows(context, planes.batch * planes.channels, planes.size, [&](std::int64_t i) {
    const std::int64_t c = i % planes.channels;
    const float factor = gain[c] / std::sqrt(spread[c] + static_cast<float>(epsilon));
    context.kernels.vector->multiply_add(factor, shift[c] - center[c] * factor,
                                         values.data() + i * planes.size, planes.size,
                                         results.data() + i * planes.size);
  });
  return results.finish(context);
}

Outcome instance_normalization(const Context& context, const ConstTensor& in,
                               const ConstTensor& scale, const ConstTensor& bias, double epsilon,
                               const Tensor& out) {
  Planes planes;
  if (const Outcome ok = resolve(in, out, planes); !ok) return ok;
  if (const Outcome ok = check_channels(planes.channels, {&scale, &bias}); !ok) return ok;
  const Floats values(context, in), gain(context, scale), shift(context, bias);
  const FloatsOut results(out);
  normalize_groups(context, planes, 1, values.data(), gain, shift, false, epsilon, results.data());
  return results.finish(context);
}

Outcome group_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                            const ConstTensor& bias, std::int64_t groups, double epsilon,
                            const Tensor& out) {
  Planes planes;
  if (const Outcome ok = resolve(in, out, planes); !ok) return ok;
  if (groups < 1 || planes.channels % groups != 0) return {"the groups do not divide the channels"};
  const bool of_groups = scale.elements() == groups;
  const std::int64_t parameters = of_groups ? groups : planes.channels;
  if (const Outcome ok = check_channels(parameters, {&scale, &bias}); !ok) return ok;
  const Floats values(context, in), gain(context, scale), shift(context, bias);
  const FloatsOut results(out);
  normalize_groups(context, planes, planes.channels / groups, values.data(), gain, shift, of_groups,
                   epsilon, results.data());
  return results.finish(context);
}

namespace {

// The window of channels around each: `before` of them in front of it, `after` behind.
struct LrnWindow {
  std::int64_t before, after;
  float factor, bias, beta;
};

// sums[i] = (bias + factor sums[i])^-beta, by logarithms.
void lrn_scales(const VectorKernel& kernel, const LrnWindow& window, float* sums, std::int64_t n) {
  kernel.multiply_add(window.factor, window.bias, sums, n, sums);
  kernel.unary(Unary::log)(0, 0, sums, n, sums);
  kernel.multiply_add(-window.beta, 0, sums, n, sums);
  kernel.unary(Unary::exp)(0, 0, sums, n, sums);
}

// A block of `n` pixels of planes, all channels: the squares of neighbours are in the cache.
void lrn_planes(const VectorKernel& kernel, const LrnWindow& window, const Planes& planes,
                const float* in, std::int64_t n, float* out) {
  float sums[kBlock];
  for (std::int64_t c = 0; c < planes.channels; ++c) {
    std::fill_n(sums, n, 0.0f);
    const std::int64_t last = std::min(planes.channels - 1, c + window.after);
    for (std::int64_t j = std::max<std::int64_t>(0, c - window.before); j <= last; ++j)
      kernel.fold_into(Fold::sum_square)(in + j * planes.size, n, sums);
    lrn_scales(kernel, window, sums, n);
    kernel.binary(Binary::mul, Operands::both)(in + c * planes.size, sums, n,
                                               out + c * planes.size);
  }
}

// One pixel whose channels lie together, block by block: sums of squares that are shifted.
void lrn_pixel(const VectorKernel& kernel, const LrnWindow& window, std::int64_t channels,
               const float* in, float* out) {
  const BinaryLoop multiply = kernel.binary(Binary::mul, Operands::both),
                   add = kernel.binary(Binary::add, Operands::both);
  float squares[3 * kBlock], sums[kBlock];
  for (std::int64_t first = 0; first < channels; first += kBlock) {
    const std::int64_t n = std::min(kBlock, channels - first);
    const std::int64_t low = std::max<std::int64_t>(0, first - window.before),
                       high = std::min(channels, first + n + window.after);
    std::fill_n(squares, n + window.before + window.after, 0.0f);
    multiply(in + low, in + low, high - low, squares + (low - (first - window.before)));
    std::copy_n(squares, n, sums);
    for (std::int64_t shift = 1; shift <= window.before + window.after; ++shift)
      add(sums, squares + shift, n, sums);
    lrn_scales(kernel, window, sums, n);
    multiply(in + first, sums, n, out + first);
  }
}

}  // namespace

Outcome lrn(const Context& context, const ConstTensor& in, const Lrn& lrn, const Tensor& out) {
  Planes planes;
  if (const Outcome ok = resolve(in, out, planes); !ok) return ok;
  if (lrn.size < 1) return {"a window below 1"};
  const std::int64_t before = (lrn.size - 1) / 2;
  const LrnWindow window{before, lrn.size - 1 - before,
                         static_cast<float>(lrn.alpha / static_cast<double>(lrn.size)),
                         static_cast<float>(lrn.bias), static_cast<float>(lrn.beta)};
  const Floats values(context, in);
  const FloatsOut results(out);
  const VectorKernel& kernel = *context.kernels.vector;
  if (planes.size == 1 && lrn.size <= kBlock) {
    for_rows(context, planes.batch, planes.channels, [&](std::int64_t i) {
      const std::int64_t offset = i * planes.channels;
      lrn_pixel(kernel, window, planes.channels, values.data() + offset, results.data() + offset);
    });
    return results.finish(context);
  }
  const std::int64_t blocks = (planes.size + kBlock - 1) / kBlock;
  for_rows(context, planes.batch * blocks, planes.channels * kBlock, [&](std::int64_t i) {
    const std::int64_t first = i % blocks * kBlock, n = std::min(kBlock, planes.size - first);
    const std::int64_t offset = i / blocks * planes.channels * planes.size + first;
    lrn_planes(kernel, window, planes, values.data() + offset, n, results.data() + offset);
  });
  return results.finish(context);
}

}  // namespace batchtune::kernels::tensor

#include "kernels/tensor/rows.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/split.h"
#include "kernels/tensor/along.h"
#include "kernels/tensor/binary.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/reduce.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// Columns [first, first + n) of one [size][inner] block, as rows of n.
struct Columns {
  const VectorKernel& kernel;
  const float* in;
  float* out;
  std::int64_t size, inner, n;

  const float* row(std::int64_t i) const { return in + i * inner; }
  float* out_row(std::int64_t i) const { return out + i * inner; }
  // out = op(a row of the input, values), element by element.
  BinaryLoop loop(Binary operation) const { return kernel.binary(operation, Operands::both); }
  void fold(Fold fold, float start, float* into) const {
    std::fill_n(into, n, start);
    const FoldInto step = kernel.fold_into(fold);
    for (std::int64_t i = 0; i < size; ++i) step(row(i), n, into);
  }
};

// f(columns) for every block of columns.
template <typename F>
void for_columns(const Context& context, const Along& shape, const float* in, float* out, F f) {
  const std::int64_t blocks = (shape.inner + kBlock - 1) / kBlock;
  const std::int64_t bytes =
      2 * shape.size * std::min(kBlock, shape.inner) * static_cast<std::int64_t>(sizeof(float));
  split_rows(context.team, shape.elements() == 0 ? 0 : shape.outer * blocks, bytes,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 const std::int64_t first = i % blocks * kBlock;
                 const std::int64_t offset = i / blocks * shape.size * shape.inner + first;
                 f(Columns{*context.kernels.vector, in + offset, out + offset, shape.size,
                           shape.inner, std::min(kBlock, shape.inner - first)});
               }
             });
}

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Sums of exp(x - largest) of each column; the terms go to `keep`(i), or are dropped.
template <typename F>
void sum_exponentials(const Columns& c, const float* largest, float* sums, F keep) {
  std::fill_n(sums, c.n, 0.0f);
  const BinaryLoop subtract = c.loop(Binary::sub);
  const UnaryLoop exponential = c.kernel.unary(Unary::exp);
  const FoldInto add = c.kernel.fold_into(Fold::sum);
  for (std::int64_t i = 0; i < c.size; ++i) {
    float* terms = keep(i);
    subtract(c.row(i), largest, c.n, terms);
    exponential(0, 0, terms, c.n, terms);
    add(terms, c.n, sums);
  }
}

void softmax_columns(const Columns& c) {
  float largest[kBlock], sums[kBlock];
  c.fold(Fold::max, kLowest, largest);
  sum_exponentials(c, largest, sums, [&](std::int64_t i) { return c.out_row(i); });
  const BinaryLoop divide = c.loop(Binary::div);
  for (std::int64_t i = 0; i < c.size; ++i) divide(c.out_row(i), sums, c.n, c.out_row(i));
}

void log_softmax_columns(const Columns& c) {
  float largest[kBlock], sums[kBlock], terms[kBlock];
  c.fold(Fold::max, kLowest, largest);
  sum_exponentials(c, largest, sums, [&](std::int64_t) { return terms; });
  c.kernel.unary(Unary::log)(0, 0, sums, c.n, sums);
  const BinaryLoop subtract = c.loop(Binary::sub);
  for (std::int64_t i = 0; i < c.size; ++i) {
    subtract(c.row(i), largest, c.n, c.out_row(i));
    subtract(c.out_row(i), sums, c.n, c.out_row(i));
  }
}

// The first of equal ones.
void hardmax_columns(const Columns& c) {
  for (std::int64_t j = 0; j < c.n; ++j) {
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < c.size; ++i) {
      if (c.row(i)[j] > c.row(best)[j]) best = i;
    }
    for (std::int64_t i = 0; i < c.size; ++i) c.out_row(i)[j] = i == best ? 1.0f : 0.0f;
  }
}

// Rows that lie together: no columns, one sum each.
void log_softmax_row(const VectorKernel& kernel, const float* row, std::int64_t n, float* out) {
  const float largest = kernel.fold_row(Fold::max)(row, n, 0);
  const BinaryLoop subtract = kernel.binary(Binary::sub, Operands::second_is_one);
  float sum = 0, terms[kBlock];
  for (std::int64_t i = 0; i < n; i += kBlock) {
    const std::int64_t some = std::min(kBlock, n - i);
    subtract(row + i, &largest, some, terms);
    kernel.unary(Unary::exp)(0, 0, terms, some, terms);
    sum += kernel.fold_row(Fold::sum)(terms, some, 0);
  }
  const float log_of_sum = std::log(sum);
  subtract(row, &largest, n, out);
  subtract(out, &log_of_sum, n, out);
}

template <typename F>
void for_rows(const Context& context, const Along& shape, const float* in, float* out, F f) {
  const std::int64_t n = shape.size;
  split_rows(context.team, n == 0 ? 0 : shape.outer,
             2 * n * static_cast<std::int64_t>(sizeof(float)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t row = begin; row < end; ++row) f(in + row * n, out + row * n, row);
             });
}

Outcome check_floats(const ConstTensor& in, const Tensor& out) {
  if (!is_float(in.type) || in.type != out.type)
    return {"input and output are not of one float type"};
  if (in.shape != out.shape) return {"input and output differ in shape"};
  return kDone;
}

// Scale or bias of the axes from `axis` on, one value for each of their elements: `given` itself
// where it has them all, else expanded.
class PerElement {
 public:
  PerElement(const Context& context, const ConstTensor& given, const Shape& shape, std::size_t axis)
      : given_(context, given), data_(given_.data()) {
    Shape trailing, own;
    for (std::size_t i = axis; i < shape.size(); ++i) trailing.push_back(shape[i]);
    for (const std::int64_t size : given.shape) {
      if (size != 1 || !own.empty()) own.push_back(size);  // ones in front say nothing
    }
    const std::int64_t n = elements_of(trailing);
    if (elements_of(own) == n) return;
    expanded_.resize(static_cast<std::size_t>(n));
    outcome_ = expand(context, {ElementType::f32, own, given_.data()},
                      {ElementType::f32, trailing, expanded_.data()});
    data_ = expanded_.data();
  }
  const Outcome& outcome() const { return outcome_; }
  const float* data() const { return data_; }

 private:
  Floats given_;
  std::vector<float> expanded_;
  const float* data_;
  Outcome outcome_;
};

Outcome check_statistics(const Tensor* tensor, std::int64_t rows) {
  if (tensor == nullptr) return kDone;
  if (!is_float(tensor->type)) return {"a statistic is no float"};
  return tensor->elements() == rows ? kDone : Outcome{"a statistic has another size"};
}

}  // namespace

Outcome softmax(const Context& context, Softmax kind, const ConstTensor& in, std::size_t axis,
                bool from_axis, const Tensor& out) {
  if (const Outcome ok = check_floats(in, out); !ok) return ok;
  const std::size_t rank = in.shape.size();
  if (axis >= rank && !(from_axis && axis == rank)) return {"the axis is out of range"};
  const Along shape = Along::of(in.shape, axis, from_axis ? rank : axis + 1);
  const Floats values(context, in);
  const FloatsOut results(out);
  const VectorKernel& kernel = *context.kernels.vector;
  if (shape.inner == 1 && kind != Softmax::hardmax) {
    for_rows(context, shape, values.data(), results.data(),
             [&](const float* from, float* to, std::int64_t) {
               if (kind == Softmax::softmax) return kernel.softmax_row(from, shape.size, to);
               log_softmax_row(kernel, from, shape.size, to);
             });
  } else {
    const auto columns = kind == Softmax::softmax       ? &softmax_columns
                         : kind == Softmax::log_softmax ? &log_softmax_columns
                                                        : &hardmax_columns;
    for_columns(context, shape, values.data(), results.data(), columns);
  }
  return results.finish(context);
}

Outcome layer_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                            const ConstTensor* bias, std::size_t axis, double epsilon,
                            const Tensor& out, const Tensor* mean, const Tensor* inv_std) {
  if (const Outcome ok = check_floats(in, out); !ok) return ok;
  if (axis > in.shape.size()) return {"the axis is out of range"};
  const Along shape = Along::of(in.shape, axis, in.shape.size());
  for (const Tensor* statistic : {mean, inv_std}) {
    if (const Outcome ok = check_statistics(statistic, shape.outer); !ok) return ok;
  }
  const Floats values(context, in);
  const PerElement gain(context, scale, in.shape, axis);
  const PerElement shift(context, bias == nullptr ? scale : *bias, in.shape, axis);
  if (!gain.outcome() || !shift.outcome()) return {"scale or bias does not fit the axes"};
  const FloatsOut results(out);
  const VectorKernel& kernel = *context.kernels.vector;
  const auto n = static_cast<float>(shape.size);
  for_rows(context, shape, values.data(), results.data(),
           [&](const float* from, float* to, std::int64_t row) {
             const float center = kernel.fold_row(Fold::sum)(from, shape.size, 0) / n;
             const float variance = kernel.fold_row(Fold::sum_square)(from, shape.size, center) / n;
             const float factor = 1.0f / std::sqrt(variance + static_cast<float>(epsilon));
             kernel.normalize_row(from, shape.size, center, factor, gain.data(),
                                  bias == nullptr ? nullptr : shift.data(), to);
             if (mean != nullptr) store(mean->type, &center, 1, mean->data, row);
             if (inv_std != nullptr) store(inv_std->type, &factor, 1, inv_std->data, row);
           });
  return results.finish(context);
}

Outcome rms_normalization(const Context& context, const ConstTensor& in, const ConstTensor& scale,
                          std::size_t axis, double epsilon, const Tensor& out) {
  if (const Outcome ok = check_floats(in, out); !ok) return ok;
  if (axis > in.shape.size()) return {"the axis is out of range"};
  const Along shape = Along::of(in.shape, axis, in.shape.size());
  const Floats values(context, in);
  const PerElement gain(context, scale, in.shape, axis);
  if (!gain.outcome()) return {"the scale does not fit the axes"};
  const FloatsOut results(out);
  const VectorKernel& kernel = *context.kernels.vector;
  for_rows(context, shape, values.data(), results.data(),
           [&](const float* from, float* to, std::int64_t) {
             const float squares = kernel.fold_row(Fold::sum_square)(from, shape.size, 0);
             const float mean = squares / static_cast<float>(shape.size);
             const float factor = 1.0f / std::sqrt(mean + static_cast<float>(epsilon));
             kernel.normalize_row(from, shape.size, 0, factor, gain.data(), nullptr, to);
           });
  return results.finish(context);
}

Outcome lp_normalization(const Context& context, const ConstTensor& in, std::size_t axis, int p,
                         const Tensor& out) {
  if (const Outcome ok = check_floats(in, out); !ok) return ok;
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  if (p != 1 && p != 2) return {"p is neither 1 nor 2"};
  const Floats values(context, in);
  const FloatsOut results(out);
  const Fold fold = p == 1 ? Fold::sum_abs : Fold::sum_square;
  const Along shape = Along::of(in.shape, axis);
  const auto factor_of = [p](float sum) {
    const float norm = p == 1 ? sum : std::sqrt(sum);
    return norm == 0 ? 0.0f : 1.0f / norm;
  };
  if (shape.inner == 1) {
    const VectorKernel& kernel = *context.kernels.vector;
    for_rows(context, shape, values.data(), results.data(),
             [&](const float* from, float* to, std::int64_t) {
               const float factor = factor_of(kernel.fold_row(fold)(from, shape.size, 0));
               kernel.multiply_add(factor, 0, from, shape.size, to);
             });
    return results.finish(context);
  }
  for_columns(context, shape, values.data(), results.data(), [&](const Columns& c) {
    float factor[kBlock];
    c.fold(fold, 0, factor);
    for (std::int64_t j = 0; j < c.n; ++j) factor[j] = factor_of(factor[j]);
    const BinaryLoop multiply = c.loop(Binary::mul);
    for (std::int64_t i = 0; i < c.size; ++i) {
      multiply(c.row(i), factor, c.n, c.out_row(i));
    }
  });
  return results.finish(context);
}

Outcome mean_variance_normalization(const Context& context, const ConstTensor& in,
                                    std::span<const std::int64_t> axes, const Tensor& out) {
  if (const Outcome ok = check_floats(in, out); !ok) return ok;
  Shape kept = in.shape;
  for (const std::int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<std::int64_t>(kept.size())) {
      return {"an axis is out of range"};
    }
    kept[static_cast<std::size_t>(axis)] = 1;
  }
  const Floats values(context, in);
  const FloatsOut results(out);
  const ConstTensor from{ElementType::f32, in.shape, values.data()};
  const Tensor centered{ElementType::f32, in.shape, results.data()};
  std::vector<float> statistic(static_cast<std::size_t>(elements_of(kept)));
  const Tensor of_axes{ElementType::f32, kept, statistic.data()};
  if (const Outcome ok = reduce(context, Reduce::mean, from, axes, of_axes); !ok) return ok;
  if (const Outcome ok = binary(context, Binary::sub, from, of_axes, centered); !ok) return ok;
  if (const Outcome ok = reduce(context, Reduce::sum_square, centered, axes, of_axes); !ok)
    return ok;
  const auto share = static_cast<float>(of_axes.elements()) / static_cast<float>(in.elements());
  for (float& value : statistic) value = std::sqrt(value * share) + 1e-9f;
  if (const Outcome ok = binary(context, Binary::div, centered, of_axes, centered); !ok) return ok;
  return results.finish(context);
}

}  // namespace batchtune::kernels::tensor

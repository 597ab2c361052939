#include "kernels/tensor/reduce.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/tensor/vector.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// The axes that stay, in the output's order, and those that go; strides in the input.
struct Job {
  Reduce operation;
  ConstTensor in;
  Tensor out;
  Walk<1> kept, reduced;
};

Outcome prepare(std::span<const std::int64_t> axes, Job& job) {
  const Shape& shape = job.in.shape;
  const Shape strides = dense_strides(shape);
  Shape gone = Shape::filled(shape.size(), 0);
  for (const std::int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<std::int64_t>(shape.size())) {
      return {"an axis is out of range"};
    }
    if (gone[static_cast<std::size_t>(axis)]++ != 0) return {"an axis is given twice"};
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    (gone[axis] != 0 ? job.reduced : job.kept).append(shape[axis], {strides[axis]});
  }
  job.kept.close();
  job.reduced.close();
  if (job.out.elements() != job.kept.elements) return {"the output has another size"};
  if (job.in.type != job.out.type) return {"input and output differ in type"};
  return kDone;
}

// ---- f32, with vectors ----

// Folds as the operation begins; false where there is none.
bool fold_of(Reduce operation, Fold& fold) {
  switch (operation) {
    case Reduce::sum:
    case Reduce::mean:
    case Reduce::log_sum:
      fold = Fold::sum;
      return true;
    case Reduce::l1:
      fold = Fold::sum_abs;
      return true;
    case Reduce::l2:
    case Reduce::sum_square:
      fold = Fold::sum_square;
      return true;
    case Reduce::max:
      fold = Fold::max;
      return true;
    case Reduce::min:
      fold = Fold::min;
      return true;
    default:
      return false;
  }
}

float joined(Fold fold, float a, float b) {
  switch (fold) {
    case Fold::max:
      return a > b || std::isnan(a) ? a : b;
    case Fold::min:
      return a < b || std::isnan(a) ? a : b;
    default:
      return a + b;
  }
}

float start_of(Fold fold) {
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  return fold == Fold::max ? -kInfinite : fold == Fold::min ? kInfinite : 0;
}

void finish(Reduce operation, std::int64_t count, float* values, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (operation == Reduce::mean) values[i] /= static_cast<float>(count);
    if (operation == Reduce::l2) values[i] = std::sqrt(values[i]);
    if (operation == Reduce::log_sum) values[i] = std::log(values[i]);
  }
}

// What goes lies together: each output is a fold of runs.
void fold_rows(const VectorKernel& kernel, const Job& job, Fold fold, std::int64_t begin,
               std::int64_t end) {
  const auto* in = static_cast<const float*>(job.in.data);
  auto* out = static_cast<float*>(job.out.data);
  const FoldRow row = kernel.fold_row(fold);
  const std::int64_t step = job.kept.inner_stride()[0];
  for_runs(job.kept, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t n) {
    for (std::int64_t j = 0; j < n; ++j) {
      const float* from = in + offset[0] + j * step;
      float value = start_of(fold);
      for_runs(job.reduced, 0, job.reduced.elements,
               [&](std::int64_t, const auto& place, std::int64_t length) {
                 value = joined(fold, value, row(from + place[0], length, 0.0f));
               });
      out[i + j] = value;
    }
  });
}

// What stays lies together: runs of outputs take row after row.
void fold_across(const VectorKernel& kernel, const Job& job, Fold fold, std::int64_t begin,
                 std::int64_t end) {
  const auto* in = static_cast<const float*>(job.in.data);
  auto* out = static_cast<float*>(job.out.data);
  const FoldInto into = kernel.fold_into(fold);
  const std::int64_t step = job.reduced.inner_stride()[0];
  for_runs(job.kept, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t n) {
    std::fill_n(out + i, n, start_of(fold));
    for_runs(job.reduced, 0, job.reduced.elements,
             [&](std::int64_t, const auto& place, std::int64_t length) {
               for (std::int64_t j = 0; j < length; ++j) {
                 into(in + offset[0] + place[0] + j * step, n, out + i);
               }
             });
  });
}

// Outputs of a strip are reduced side by side, so that their rows are read in whole cache lines.
constexpr std::int64_t kStrip = 64;

void run_vectors(const Context& context, const Job& job, Fold fold) {
  const VectorKernel& kernel = *context.kernels.vector;
  const bool rows = job.reduced.inner_stride()[0] == 1;
  const std::int64_t strip = rows ? 1 : kStrip, outputs = job.kept.elements;
  const std::int64_t bytes =
      strip * job.reduced.elements * static_cast<std::int64_t>(sizeof(float));
  split_rows(context.team, (outputs + strip - 1) / strip, bytes,
             [&](std::int64_t first, std::int64_t last) {
               const std::int64_t begin = first * strip, end = std::min(outputs, last * strip);
               (rows ? fold_rows : fold_across)(kernel, job, fold, begin, end);
               finish(job.operation, job.reduced.elements,
                      static_cast<float*>(job.out.data) + begin, end - begin);
             });
}

// ---- any type, one output at a time ----

template <typename W>
using Sum = std::conditional_t<std::is_integral_v<W>, W, double>;

// The sum of the terms of a whole run.
template <typename W>
struct Accumulator {
  Reduce operation;
  Sum<W> shift{};  // log_sum_exp: the largest
  Sum<W> value{};
  bool any = false;

  void take(Sum<W> x) {
    switch (operation) {
      case Reduce::max:
        value = !any || x > value || x != x ? x : value;
        break;
      case Reduce::min:
        value = !any || x < value || x != x ? x : value;
        break;
      case Reduce::prod:
        value = any ? value * x : x;
        break;
      case Reduce::l1:
        value += x < Sum<W>{0} ? Sum<W>{0} - x : x;
        break;
      case Reduce::l2:
      case Reduce::sum_square:
        value += x * x;
        break;
      case Reduce::log_sum_exp:
        value += static_cast<Sum<W>>(std::exp(static_cast<double>(x) - static_cast<double>(shift)));
        break;
      default:
        value += x;
    }
    any = true;
  }

  double as_double() const { return static_cast<double>(value); }
};

template <typename W>
void take_all(const Job& job, std::int64_t offset, Accumulator<W>& sum) {
  const std::int64_t step = job.reduced.inner_stride()[0];
  for_runs(job.reduced, 0, job.reduced.elements,
           [&](std::int64_t, const auto& place, std::int64_t length) {
             W block[kBlock];
             for (std::int64_t i = 0; i < length; i += kBlock) {
               const std::int64_t n = std::min(kBlock, length - i);
               const std::int64_t from = offset + place[0] + i * step;
               if (step == 1) {
                 load(job.in.type, job.in.data, from, n, block);
               } else {
                 for (std::int64_t j = 0; j < n; ++j) {
                   load(job.in.type, job.in.data, from + j * step, 1, block + j);
                 }
               }
               for (std::int64_t j = 0; j < n; ++j) sum.take(static_cast<Sum<W>>(block[j]));
             }
           });
}

// Beside sums there is no whole number for these: roots, logarithms and the ends of the type.
template <typename W>
void put(const Job& job, const Accumulator<W>& sum, std::int64_t place) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  // -infinity becomes the type's lower end; that of boolean is 0.
  const auto put_double = [&](double value) {
    if (job.out.type == ElementType::boolean) value = value > 0 ? 1 : 0;
    store(job.out.type, &value, 1, job.out.data, place);
  };
  const auto count = static_cast<double>(job.reduced.elements);
  switch (job.operation) {
    case Reduce::mean:
      return put_double(sum.as_double() / count);
    case Reduce::l2:
      return put_double(std::sqrt(sum.as_double()));
    case Reduce::log_sum:
      return put_double(std::log(sum.as_double()));
    case Reduce::log_sum_exp:
      return put_double(std::log(sum.as_double()) + static_cast<double>(sum.shift));
    case Reduce::max:
      if (!sum.any) return put_double(-kInfinite);
      break;
    case Reduce::min:
      if (!sum.any) return put_double(kInfinite);
      break;
    case Reduce::prod:
      if (!sum.any) return put_double(1);
      break;
    default:
      break;
  }
  store(job.out.type, &sum.value, 1, job.out.data, place);
}

template <typename W>
void run_any(const Context& context, const Job& job) {
  const std::int64_t bytes =
      std::max<std::int64_t>(1, job.reduced.elements) * static_cast<std::int64_t>(sizeof(W));
  const std::int64_t step = job.kept.inner_stride()[0];
  split_rows(context.team, job.kept.elements, bytes, [&](std::int64_t begin, std::int64_t end) {
    for_runs(job.kept, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t n) {
      for (std::int64_t j = 0; j < n; ++j) {
        Accumulator<W> sum{job.operation};
        if (job.operation == Reduce::log_sum_exp) {
          Accumulator<W> largest{Reduce::max};
          take_all(job, offset[0] + j * step, largest);
          if (std::isfinite(largest.as_double())) sum.shift = largest.value;
        }
        take_all(job, offset[0] + j * step, sum);
        put(job, sum, i + j);
      }
    });
  });
}

}  // namespace

Outcome reduce(const Context& context, Reduce operation, const ConstTensor& in,
               std::span<const std::int64_t> axes, const Tensor& out) {
  Job job{operation, in, out, {}, {}};
  if (const Outcome ok = prepare(axes, job); !ok) return ok;
  Fold fold{};
  if (in.type == ElementType::f32 && job.reduced.elements > 0 && fold_of(operation, fold)) {
    const bool lies_together =
        job.reduced.inner_stride()[0] == 1 || job.kept.inner_stride()[0] == 1;
    if (lies_together) {
      run_vectors(context, job, fold);
      return kDone;
    }
  }
  if (operation == Reduce::log_sum_exp) {  // exponentials of whole numbers are none
    run_any<double>(context, job);
    return kDone;
  }
  with_wide(in.type, [&](auto tag) { run_any<decltype(tag)>(context, job); });
  return kDone;
}

}  // namespace batchtune::kernels::tensor

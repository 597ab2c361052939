// Operations along axes: reductions, places of extremes, the k largest, running sums. Axes are
// counted from 0. f16 and bf16 sum in f32, narrow integers in 64 bits.
#pragma once

#include <span>

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

enum class Reduce : std::uint8_t {
  sum,
  mean,
  max,  // NaN wins; boolean as well
  min,
  prod,
  l1,
  l2,
  sum_square,
  log_sum,
  log_sum_exp,
};

// Over `axes`, each once; none: every element by itself (ONNX's "all axes" is the caller's to say).
// out: the other axes, with or without ones for those reduced. Over nothing: 0, 1 for prod, the
// type's ends for max and min, NaN for mean, -infinity for logarithms.
Outcome reduce(const Context& context, Reduce operation, const ConstTensor& in,
               std::span<const std::int64_t> axes, const Tensor& out);

enum class Extreme : std::uint8_t { smallest, largest };
// out: i64, without `axis` or with 1 there.
Outcome arg_reduce(const Context& context, Extreme extreme, const ConstTensor& in, std::size_t axis,
                   bool select_last_index, const Tensor& out);

// As many as values.shape[axis], in order (ONNX leaves it open where sorted = 0); of equal ones the
// lower index first. indices: i64.
Outcome top_k(const Context& context, Extreme extreme, const ConstTensor& in, std::size_t axis,
              const Tensor& values, const Tensor& indices);

enum class Running : std::uint8_t { sum, product };
// exclusive: without the element itself; reverse: from the end.
Outcome cumulate(const Context& context, Running operation, const ConstTensor& in, std::size_t axis,
                 bool exclusive, bool reverse, const Tensor& out);

}  // namespace batchtune::kernels::tensor

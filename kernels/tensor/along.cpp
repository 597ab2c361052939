// Operations that look along one axis and are not sums: places of extremes, the k largest, running
// sums.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/split.h"
#include "kernels/tensor/along.h"
#include "kernels/tensor/reduce.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// Whether a comes before b: NaN is larger than all, so that the order is one.
template <typename W>
bool before(Extreme extreme, W a, W b) {
  if (a != a || b != b) return extreme == Extreme::largest ? a != a && b == b : a == a && b != b;
  return extreme == Extreme::largest ? a > b : a < b;
}
// An extreme among others: NaN wins either way, as in numpy.
template <typename W>
bool beats(Extreme extreme, W a, W b) {
  if (a != a || b != b) return a != a && b == b;
  return extreme == Extreme::largest ? a > b : a < b;
}

// f(outer, first column, columns) for blocks of columns on the team's lanes.
template <typename F>
void for_columns(const Context& context, const Along& shape, std::size_t element_bytes, F f) {
  const std::int64_t blocks = (shape.inner + kBlock - 1) / kBlock;
  const std::int64_t bytes =
      shape.size * std::min(kBlock, shape.inner) * static_cast<std::int64_t>(2 * element_bytes);
  split_rows(context.team, shape.outer * blocks, bytes, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % blocks * kBlock;
      f(i / blocks, first, std::min(kBlock, shape.inner - first));
    }
  });
}

template <typename W>
void find_extremes(const Context& context, Extreme extreme, const ConstTensor& in,
                   const Along& shape, bool last_index, std::int64_t* out) {
  for_columns(context, shape, bytes_of(in.type),
              [&](std::int64_t outer, std::int64_t first, std::int64_t columns) {
                W best[kBlock], row[kBlock];
                std::int64_t* place = out + outer * shape.inner + first;
                for (std::int64_t i = 0; i < shape.size; ++i) {
                  const std::int64_t from = (outer * shape.size + i) * shape.inner + first;
                  load(in.type, in.data, from, columns, row);
                  for (std::int64_t j = 0; j < columns; ++j) {
                    const bool better = i == 0 || beats(extreme, row[j], best[j]) ||
                                        (last_index && row[j] == best[j]);
                    if (!better) continue;
                    best[j] = row[j];
                    place[j] = i;
                  }
                }
              });
}

template <typename W>
void find_top(const Context& context, Extreme extreme, const ConstTensor& in, const Along& shape,
              std::int64_t k, const Tensor& values, std::int64_t* indices) {
  const auto bytes = static_cast<std::int64_t>(bytes_of(in.type));
  split_rows(context.team, shape.outer * shape.inner, 4 * shape.size * bytes,
             [&](std::int64_t begin, std::int64_t end) {
               std::vector<W> column(static_cast<std::size_t>(shape.size));
               std::vector<std::int64_t> order(static_cast<std::size_t>(shape.size));
               for (std::int64_t i = begin; i < end; ++i) {
                 const std::int64_t outer = i / shape.inner, inner = i % shape.inner;
                 for (std::int64_t j = 0; j < shape.size; ++j) {
                   load(in.type, in.data, (outer * shape.size + j) * shape.inner + inner, 1,
                        column.data() + j);
                 }
                 std::iota(order.begin(), order.end(), 0);
                 std::partial_sort(order.begin(), order.begin() + k, order.end(),
                                   [&](std::int64_t a, std::int64_t b) {
                                     const W x = column[static_cast<std::size_t>(a)];
                                     const W y = column[static_cast<std::size_t>(b)];
                                     if (before(extreme, x, y)) return true;
                                     return !before(extreme, y, x) && a < b;
                                   });
                 for (std::int64_t j = 0; j < k; ++j) {
                   const std::int64_t place = (outer * k + j) * shape.inner + inner;
                   const std::int64_t index = order[static_cast<std::size_t>(j)];
                   indices[place] = index;
                   store(values.type, &column[static_cast<std::size_t>(index)], 1, values.data,
                         place);
                 }
               }
             });
}

template <typename W>
void run_along(const Context& context, Running operation, const ConstTensor& in, const Along& shape,
               bool exclusive, bool reverse, const Tensor& out) {
  const bool sum = operation == Running::sum;
  for_columns(context, shape, bytes_of(in.type),
              [&](std::int64_t outer, std::int64_t first, std::int64_t columns) {
                W running[kBlock], row[kBlock];
                std::fill_n(running, columns, sum ? W{0} : W{1});
                for (std::int64_t step = 0; step < shape.size; ++step) {
                  const std::int64_t i = reverse ? shape.size - 1 - step : step;
                  const std::int64_t at = (outer * shape.size + i) * shape.inner + first;
                  load(in.type, in.data, at, columns, row);
                  if (exclusive) store(out.type, running, columns, out.data, at);
                  for (std::int64_t j = 0; j < columns; ++j) {
                    running[j] = sum ? running[j] + row[j] : running[j] * row[j];
                  }
                  if (!exclusive) store(out.type, running, columns, out.data, at);
                }
              });
}

}  // namespace

Outcome arg_reduce(const Context& context, Extreme extreme, const ConstTensor& in, std::size_t axis,
                   bool select_last_index, const Tensor& out) {
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  if (out.type != ElementType::i64) return {"the output is not i64"};
  const Along shape = Along::of(in.shape, axis);
  if (out.elements() != shape.outer * shape.inner) return {"the output has another size"};
  if (out.elements() == 0) return kDone;
  if (shape.size == 0) return {"no extreme along an empty axis"};
  with_wide(in.type, [&](auto tag) {
    find_extremes<decltype(tag)>(context, extreme, in, shape, select_last_index,
                                 static_cast<std::int64_t*>(out.data));
  });
  return kDone;
}

Outcome top_k(const Context& context, Extreme extreme, const ConstTensor& in, std::size_t axis,
              const Tensor& values, const Tensor& indices) {
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  if (values.type != in.type) return {"input and values differ in type"};
  if (indices.type != ElementType::i64) return {"the indices are not i64"};
  if (values.shape != indices.shape || values.shape.size() != in.shape.size()) {
    return {"the outputs' shape does not fit"};
  }
  const std::int64_t k = values.shape[axis];
  Shape expected = in.shape;
  expected[axis] = k;
  if (values.shape != expected) return {"the outputs' shape does not fit"};
  if (k > in.shape[axis]) return {"more asked for than there are"};
  if (values.elements() == 0) return kDone;
  with_wide(in.type, [&](auto tag) {
    find_top<decltype(tag)>(context, extreme, in, Along::of(in.shape, axis), k, values,
                            static_cast<std::int64_t*>(indices.data));
  });
  return kDone;
}

Outcome cumulate(const Context& context, Running operation, const ConstTensor& in, std::size_t axis,
                 bool exclusive, bool reverse, const Tensor& out) {
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  if (in.shape != out.shape || in.type != out.type) return {"input and output differ"};
  if (in.elements() == 0) return kDone;
  with_wide(in.type, [&](auto tag) {
    run_along<decltype(tag)>(context, operation, in, Along::of(in.shape, axis), exclusive, reverse,
                             out);
  });
  return kDone;
}

}  // namespace batchtune::kernels::tensor

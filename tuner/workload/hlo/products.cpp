// Matrix products and embedding.
#include "tuner/workload/hlo/op_writer.h"

namespace batchtune::hlo {

Value OpWriter::embedding() {
  const std::int64_t positions = op_.output[0];
  const Value table = weight("weight", {op_.vocabulary, op_.columns}, WeightRole::table);
  Value sum = w_.rows(table, in());
  for (std::size_t i = 1; i <= op_.tables.size(); ++i) {
    const Value added = weight("table" + std::to_string(i), {positions, op_.columns},
                               WeightRole::table, static_cast<int>(i));
    sum = w_.binary("add", sum, w_.broadcast(added, shape(), {1, 2}));
  }
  return sum;
}

Value OpWriter::matmul() {
  const Value matrix = weight("weight", {op_.inner, op_.columns}, WeightRole::matrix);
  return finished(w_.dot(
      in(), matrix, {.left_batch = {}, .right_batch = {}, .left_inner = last(), .right_inner = 0}));
}

OpWriter::Heads OpWriter::heads(std::size_t i, HeadLayout layout) {
  const Value& x = in(i);
  if (layout == HeadLayout::heads_first) return {x, 1, 2, 3};
  const Shape parts = {x.shape[0], x.shape[1], op_.groups, x.shape[2] / op_.groups};
  return {w_.reshaped(x, parts), 2, 1, 3};
}

Value OpWriter::batched_matmul() {
  const Heads a = heads(0, op_.a_layout), b = heads(1, op_.b_layout);
  Value product = w_.dot(a.value, b.value,
                         {.left_batch = {0, a.heads},
                          .right_batch = {0, b.heads},
                          .left_inner = a.columns,
                          .right_inner = op_.transpose_b ? b.columns : b.rows});
  if (op_.scale != 1) product = w_.binary("multiply", product, op_.scale);
  if (op_.out_layout == HeadLayout::heads_first) return product;
  return w_.reshaped(w_.transposed(product, {0, 2, 1, 3}), shape());
}

}  // namespace batchtune::hlo

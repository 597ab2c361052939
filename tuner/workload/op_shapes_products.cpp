// Matrix products and embedding.
#include "tuner/workload/op_shapes.h"

#include <cmath>

namespace batchtune {

Result<Shape> OpShapes::embedding() {
  BT_TRY_VOID(want_inputs(1, 1));
  if (in_[0].size() != 1) return fail("inputs[0]", "token ids of one dimension", text_of(in_[0]));
  BT_TRY(ids, earlier(op_.inputs[0], "inputs[0]"));
  BT_TRY_VOID(settle("vocabulary", op_.vocabulary, ids->vocabulary));
  BT_TRY_VOID(want_range("columns", op_.columns, 1, kMaxDimension));
  BT_TRY_VOID(check_size({op_.vocabulary, op_.columns}, "vocabulary", "a table"));
  if (op_.tables.size() > kMaxTables)
    return fail("tables", "at most " + std::to_string(kMaxTables) + " further tables",
                text_of(op_.tables));
  for (std::size_t i = 0; i < op_.tables.size(); ++i)
    BT_TRY_VOID(
        check_size({op_.tables[i], op_.columns}, "tables[" + std::to_string(i) + "]", "a table"));
  return Shape{in_[0][0], op_.columns};
}

Result<Shape> OpShapes::matmul() {
  BT_TRY_VOID(want_inputs(1, 1));
  BT_TRY_VOID(settle("inner", op_.inner, in_[0].back()));
  BT_TRY_VOID(check_size({op_.inner, op_.columns}, "columns", "a weight matrix"));
  Shape shape = in_[0];
  shape.back() = op_.columns;
  return shape;
}

// Rows and columns of each head of an operand.
Result<std::array<std::int64_t, 2>> OpShapes::head_of(const Shape& shape, HeadLayout layout,
                                                      const std::string& key) const {
  const std::string groups = std::to_string(op_.groups);
  if (layout == HeadLayout::heads_first) {
    if (shape.size() != 3 || shape[0] != op_.groups)
      return fail(key, "heads_first: [" + groups + ", rows, columns]", text_of(shape));
    return std::array{shape[1], shape[2]};
  }
  if (shape.size() != 2 || shape[1] % op_.groups != 0)
    return fail(key, "heads_last: [rows, a multiple of " + groups + "]", text_of(shape));
  return std::array{shape[0], shape[1] / op_.groups};
}

Result<Shape> OpShapes::batched_matmul() {
  BT_TRY_VOID(want_inputs(2, 2));
  BT_TRY_VOID(want_range("groups", op_.groups, 1, kMaxDimension));
  if (!std::isfinite(op_.scale) || op_.scale == 0)
    return fail("scale", "a finite number other than 0", std::to_string(op_.scale));
  BT_TRY(a, head_of(in_[0], op_.a_layout, "inputs[0]"));
  BT_TRY(b, head_of(in_[1], op_.b_layout, "inputs[1]"));
  const std::int64_t b_inner = op_.transpose_b ? b[1] : b[0];
  if (b_inner != a[1])
    return fail("inputs[1]", "an inner dimension of " + std::to_string(a[1]) + " as in inputs[0]",
                std::to_string(b_inner));
  BT_TRY_VOID(settle("inner", op_.inner, a[1]));
  BT_TRY_VOID(settle("columns", op_.columns, op_.transpose_b ? b[0] : b[1]));
  if (op_.out_layout == HeadLayout::heads_first) return Shape{op_.groups, a[0], op_.columns};
  return Shape{a[0], op_.groups * op_.columns};
}

}  // namespace batchtune

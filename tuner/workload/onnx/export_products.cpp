// Matrix products and embedding.
#include "tuner/workload/onnx/export_op.h"

namespace batchtune::onnx_export {

// Each further table adds the same rows to every sample: they are added as a constant, which is
// what exporters make of positions that are known.
void OpExport::embedding() {
  const std::int64_t positions = op_.output[0], columns = op_.columns;
  const Values table = weight_values(WeightRole::table);
  std::string sum =
      add("Gather", {graph_.weight("weight", {op_.vocabulary, columns}, table), plain()},
          {{"axis", std::int64_t{0}}});
  std::int64_t first = op_.vocabulary;  // row of the table at hand
  for (std::size_t i = 0; i < op_.tables.size(); ++i) {
    const std::int64_t rows = op_.tables[i];
    const Values added = rows_of(
        table, columns, [first, rows](std::int64_t position) { return first + position % rows; });
    sum = add("Add",
              {sum, graph_.weight("table" + std::to_string(i + 1), {positions, columns}, added)});
    first += rows;
  }
  place_plain();
}

std::string OpExport::matrix() {
  Values values = weight_values(WeightRole::matrix);
  if (const auto& flattened = in().flattened)
    values = rows_of(values, op_.columns, [image = *flattened](std::int64_t row) {
      return model_index(image.shape, image.order, row);
    });
  return graph_.weight("weight", {op_.inner, op_.columns}, values);
}

void OpExport::matmul() {
  const std::string x = plain();
  const bool bias_wanted = op_.epilogue.bias;
  const Order order = plain_order(op_.output.size());
  if (bias_wanted && op_.output.size() == 1) {
    finished(add("Gemm", {x, matrix(), bias()}), order);
  } else {
    const std::string product = add("MatMul", {x, matrix()});
    finished(bias_wanted ? add("Add", {product, bias()}) : product, order);
  }
  place_plain();
}

// An operand as [batch, heads, rows, columns], the last two exchanged if `transposed`.
std::string OpExport::head_operand(std::size_t i, HeadLayout layout, bool transposed) {
  const std::string value = plain(i);
  if (layout == HeadLayout::heads_first)
    return transposed ? add("Transpose", {value}, {{"perm", Order{0, 1, 3, 2}}}) : value;
  const Shape& shape = in_shape(i);
  const std::string heads = reshaped(value, shape, {shape[0], op_.groups, shape[1] / op_.groups});
  return add("Transpose", {heads}, {{"perm", transposed ? Order{0, 2, 3, 1} : Order{0, 2, 1, 3}}});
}

void OpExport::batched_matmul() {
  const std::string a = head_operand(0, op_.a_layout, false);
  const std::string b = head_operand(1, op_.b_layout, op_.transpose_b);
  std::string product = add("MatMul", {a, b});
  if (op_.scale != 1) product = add("Mul", {product, graph_.scalar(static_cast<float>(op_.scale))});
  if (op_.out_layout == HeadLayout::heads_last) {
    const std::string rows = add("Transpose", {product}, {{"perm", Order{0, 2, 1, 3}}});
    reshaped(rows, {op_.output[0], op_.groups, op_.columns}, op_.output);
  }
  place_plain();
}

}  // namespace batchtune::onnx_export

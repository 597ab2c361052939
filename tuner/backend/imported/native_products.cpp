// Matrix products with a weight, attention's products, and embeddings.
#include <algorithm>

#include "tuner/backend/imported/native.h"

namespace batchtune::imported {
namespace {

// The tensor of which `flat` is the samples flattened, where that lies channels last, its order is
// asked of by nobody else, and the rows of the weights can therefore be permuted instead; -1: none.
int flattened_image(const Builder& builder, int flat) {
  const int source = builder.view_of(flat);
  if (source < 0 || !builder.is_image(source) || !builder.lies_as_image(source)) return -1;
  const BatchedShape& shape = *builder.tensor(flat).shape;
  const Shape image = builder.image_shape(source);
  const bool rows = shape.batch_axis == 0 && shape.sizes.size() == 2 && shape.sizes[0] == 1 &&
                    shape.sizes[1] == elements(image);
  if (!rows || builder.graph().is_output(flat)) return -1;
  for (const int reader : builder.graph().readers(flat))
    if (!is_native(builder.graph().node(reader), "MatMul")) return -1;
  return source;
}

// How the rows of a weight [K, N] lie in the file.
struct Matrix {
  Floats values;
  std::int64_t rows, columns;
  bool transposed = false;  // as [N, K]
  // Rows are in the order {channel, pixel} where the operation wants {pixel, channel}.
  std::int64_t pixels = 1, channels = 1;

  std::int64_t row_in_file(std::int64_t row) const {
    return pixels == 1 ? row : row % channels * pixels + row / channels;
  }
};

FileWeights::Fill rows_of(const Matrix& matrix) {
  return [matrix](std::span<float> to, std::int64_t first) {
    const std::int64_t step = matrix.transposed ? matrix.rows : 1;
    for (std::size_t i = 0; i < to.size();) {
      const std::int64_t at = first + static_cast<std::int64_t>(i);
      const std::int64_t row = matrix.row_in_file(at / matrix.columns);
      const float* from = matrix.values.data() + row * (matrix.transposed ? 1 : matrix.columns);
      for (std::int64_t column = at % matrix.columns; column < matrix.columns && i < to.size();
           ++column, ++i)
        to[i] = from[column * step];
    }
  };
}

constexpr std::size_t kMaxNativeRank = 4;

bool last_is_batch(const BatchedShape& shape) {
  return shape.batch_axis + 1 == static_cast<int>(shape.sizes.size());
}

}  // namespace

bool add_matmul(Builder& builder, const GraphNode& node) {
  const int in = node.inputs[0], out = node.outputs[0];
  const auto weights = Floats::of(builder.tensor(node.inputs[1]));
  if (!builder.is_native(in) || !builder.is_native(out) || !builder.is_placed(in) || !weights)
    return false;
  if (last_is_batch(*builder.tensor(in).shape)) return false;
  if (has_input(node, 3) && !builder.is_placed(node.inputs[3])) return false;
  const bool transposed = integer(node, "transposed", 0) != 0;
  const Shape& shape = builder.tensor(node.inputs[1]).shape->sizes;
  Matrix matrix{*weights, shape[transposed ? 1 : 0], shape[transposed ? 0 : 1], transposed};
  Op op;
  op.kind = OpKind::matmul;
  op.inner = matrix.rows;
  op.columns = matrix.columns;
  const Shape sample = per_sample(*builder.tensor(in).shape);
  Shape rows = sample;
  if (sample.size() > kMaxNativeRank) rows = {elements(sample) / op.inner, op.inner};
  const int image = flattened_image(builder, in);
  op.inputs = {
      builder.op(builder.shaped(image >= 0 ? builder.image(image) : builder.plain(in), rows)).name};
  op.output = rows;
  op.output.back() = op.columns;
  op.epilogue.bias = has_input(node, 2);
  op.epilogue.activation = activation_of(node);
  if (has_input(node, 3)) {
    op.epilogue.residual =
        builder.op(builder.shaped(builder.plain(node.inputs[3]), op.output)).name;
    op.epilogue.residual_after_activation = integer(node, "residual_after", 0) != 0;
  }
  op.name = builder.new_name(builder.tensor(out).name);
  if (image >= 0) {
    matrix.channels = builder.image_shape(image)[2];
    matrix.pixels = matrix.rows / matrix.channels;
  }
  builder.weights().set(op.name, WeightRole::matrix, rows_of(matrix));
  if (op.epilogue.bias)
    builder.weights().set(op.name, WeightRole::bias,
                          fill_in_order(*Floats::of(builder.tensor(node.inputs[2]))));
  builder.place_plain(out, builder.add(std::move(op)));
  return true;
}

bool add_batched_matmul(Builder& builder, const GraphNode& node) {
  const int a = node.inputs[0], b = node.inputs[1], out = node.outputs[0];
  for (const int tensor : {a, b, out}) {
    const BatchedShape& shape = *builder.tensor(tensor).shape;
    if (!builder.is_native(tensor) || shape.batch_axis != 0 || shape.sizes[0] != 1) return false;
  }
  if (!builder.is_placed(a) || !builder.is_placed(b)) return false;
  const auto layout = [&](const char* name) {
    return integer(node, name, 0) != 0 ? HeadLayout::heads_last : HeadLayout::heads_first;
  };
  Op op;
  op.kind = OpKind::batched_matmul;
  op.groups = integer(node, "heads", 1);
  op.transpose_b = integer(node, "transpose_b", 0) != 0;
  op.scale = number(node, "scale", 1);
  op.a_layout = layout("a_heads_last");
  op.b_layout = layout("b_heads_last");
  op.out_layout = layout("out_heads_last");
  for (const int tensor : {a, b}) {
    const int from = builder.plain(tensor);
    op.inputs.push_back(
        builder.op(builder.shaped(from, per_sample(*builder.tensor(tensor).shape))).name);
  }
  op.output = per_sample(*builder.tensor(out).shape);
  op.name = builder.new_name(builder.tensor(out).name);
  builder.place_plain(out, builder.add(std::move(op)));
  return true;
}

// Ids must be an input of the model: nothing else is known to be below the table's rows.
bool add_embedding(Builder& builder, const GraphNode& node) {
  const int ids = node.inputs[0], out = node.outputs[0];
  if (!builder.is_native(out) || !builder.is_placed(ids)) return false;
  const Op& source = builder.op(builder.plain(ids));
  const Shape& first = builder.tensor(node.inputs[1]).shape->sizes;
  const bool direct = source.kind == OpKind::input && source.output.size() == 1 &&
                      source.element_bytes == 4 && source.vocabulary <= first[0];
  if (!direct) return false;
  std::vector<float> rows;
  Op op;
  op.kind = OpKind::embedding;
  op.inputs = {source.name};
  op.vocabulary = first[0];
  op.columns = first[1];
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const auto table = floats(builder.tensor(node.inputs[i]));
    if (!table) return false;
    if (i > 1) op.tables.push_back(builder.tensor(node.inputs[i]).shape->sizes[0]);
    rows.insert(rows.end(), table->begin(), table->end());
  }
  op.output = {source.output[0], op.columns};
  op.name = builder.new_name(builder.tensor(out).name);
  builder.weights().set(op.name, WeightRole::table, fill_in_order(Floats(std::move(rows))));
  builder.place_plain(out, builder.add(std::move(op)));
  return true;
}

}  // namespace batchtune::imported

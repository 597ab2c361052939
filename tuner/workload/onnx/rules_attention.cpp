// Attention as one node, and the rotary embedding before it.
#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

// An operand {batch, heads, rows, width}, or {batch, rows, heads * width}.
struct Operand {
  std::int64_t batch = 0, heads = 0, rows = 0, width = 0;
};

Result<Operand> operand_of(const NodeView& node, std::size_t input, std::string_view heads_name) {
  const Shape& shape = node.shape(input);
  if (shape.size() == 4) return Operand{shape[0], shape[1], shape[2], shape[3]};
  const std::int64_t heads = node.integer(heads_name, 0);
  if (shape.size() != 3 || heads < 1 || shape[2] % heads != 0)
    return node.fail(
        "an operand of 4 dimensions, or of 3 whose last " + std::string(heads_name) + " divides",
        shape_text(shape) + " and " + std::to_string(heads));
  return Operand{shape[0], heads, shape[1], shape[2] / heads};
}

struct Operands {
  Operand queries, keys, values;
  std::int64_t all_keys = 0;  // with those of the cache
};

Result<Operands> operands_of(const NodeView& node) {
  constexpr std::size_t kPastKeys = 4;
  BT_TRY_VOID(node.want_inputs(3));
  BT_TRY(queries, operand_of(node, 0, "q_num_heads"));
  BT_TRY(keys, operand_of(node, 1, "kv_num_heads"));
  BT_TRY(values, operand_of(node, 2, "kv_num_heads"));
  const bool fit = keys.batch == queries.batch && values.batch == queries.batch &&
                   keys.width == queries.width && keys.rows == values.rows &&
                   keys.heads == values.heads && keys.heads > 0 && queries.heads % keys.heads == 0;
  if (!fit)
    return node.fail("queries, keys and values that fit each other",
                     shape_text(node.shape(0)) + ", " + shape_text(node.shape(1)) + " and " +
                         shape_text(node.shape(2)));
  std::int64_t all = keys.rows;
  if (node.has(kPastKeys)) {
    const Shape& past = node.shape(kPastKeys);
    if (past.size() != 4) return node.fail("a cache of 4 dimensions", shape_text(past));
    all += past[2];
  }
  return Operands{queries, keys, values, all};
}

}  // namespace

Result<Outputs> attention(const NodeView& node) {
  BT_TRY(x, operands_of(node));
  const Operand& q = x.queries;
  const int type = node.in(0).type;
  const bool flat = node.shape(0).size() == 3;
  const Shape out = flat ? Shape{q.batch, q.rows, q.heads * x.values.width}
                         : Shape{q.batch, q.heads, q.rows, x.values.width};
  return Outputs{{type, out, {}},
                 {type, Shape{q.batch, x.keys.heads, x.all_keys, x.keys.width}, {}},
                 {node.in(2).type, Shape{q.batch, x.keys.heads, x.all_keys, x.values.width}, {}},
                 {type, Shape{q.batch, q.heads, q.rows, x.all_keys}, {}}};
}

// Both products; softmax and masks are left out, as everywhere beside products.
double attention_work(const NodeView& node, const Outputs&) {
  const auto x = operands_of(node);
  if (!x) return 0;
  const Operand& q = x->queries;
  return 2 * static_cast<double>(q.batch * q.heads * q.rows) * static_cast<double>(x->all_keys) *
         static_cast<double>(q.width + x->values.width);
}

}  // namespace batchtune::onnx_file

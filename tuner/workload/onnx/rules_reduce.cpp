// Operations that take dimensions together.
#include <algorithm>
#include <numeric>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

// `shape` with the marked dimensions reduced.
Shape reduced(const Shape& shape, const std::vector<bool>& marked, bool keep) {
  Shape out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!marked[i])
      out.push_back(shape[i]);
    else if (keep)
      out.push_back(1);
  }
  return out;
}

// Over all of the few numbers of a list; nullopt for what shapes are not made by.
std::optional<double> total(const NodeView& node) {
  const auto& x = node.in(0).numbers;
  if (!x || x->empty()) return std::nullopt;
  const std::string& op = node.op();
  if (op == "ReduceSum") return std::accumulate(x->begin(), x->end(), 0.0);
  if (op == "ReduceProd") return std::accumulate(x->begin(), x->end(), 1.0, std::multiplies<>());
  if (op == "ReduceMax") return *std::max_element(x->begin(), x->end());
  if (op == "ReduceMin") return *std::min_element(x->begin(), x->end());
  return std::nullopt;
}

}  // namespace

Result<Outputs> reduce(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const std::size_t rank = node.shape(0).size();
  std::vector<std::int64_t> axes = node.integer_list("axes");
  if (node.has(1)) {
    const auto given = node.integers(1);
    if (!given) return Outputs{{node.in(0).type, std::nullopt, std::nullopt}};
    axes = *given;
  }
  const bool nothing = axes.empty() && node.integer("noop_with_empty_axes", 0) != 0;
  std::vector<bool> marked(rank, axes.empty() && !nothing);
  for (const std::int64_t axis : axes) {
    BT_TRY(at, node.axis_of(axis, rank));
    marked[at] = true;
  }
  Facts out{node.in(0).type, reduced(node.shape(0), marked, node.integer("keepdims", 1) != 0), {}};
  if (rank == 1 && marked[0])
    if (const auto value = total(node)) out.numbers = std::vector<double>{*value};
  return Outputs{std::move(out)};
}

Result<Outputs> arg_reduce(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  const std::size_t rank = node.shape(0).size();
  BT_TRY(axis, node.axis_of(node.integer("axis", 0), rank));
  std::vector<bool> marked(rank, false);
  marked[axis] = true;
  return Outputs{{::onnx::TensorProto::INT64,
                  reduced(node.shape(0), marked, node.integer("keepdims", 1) != 0),
                  {}}};
}

Result<Outputs> top_k(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  BT_TRY(axis, node.axis_of(node.integer("axis", -1), node.shape(0).size()));
  std::int64_t k = node.integer("k", 0);
  if (node.has(1)) {
    const auto given = node.integers(1);
    if (!given || given->size() != 1) return Outputs{{node.in(0).type, std::nullopt, {}}};
    k = given->front();
  }
  Shape shape = node.shape(0);
  if (k < 0 || k > shape[axis])
    return node.fail("k of at most " + std::to_string(shape[axis]), std::to_string(k));
  shape[axis] = k;
  return Outputs{{node.in(0).type, shape, {}}, {::onnx::TensorProto::INT64, shape, {}}};
}

}  // namespace batchtune::onnx_file

// ONNX's Attention as the nodes that it stands for, which recognise_attention() then makes native.
// A cache, soft caps, lengths and heads that share keys stay one call.
#include <cmath>
#include <utility>

#include "tuner/backend/imported/patterns.h"

namespace batchtune::imported {
namespace {

constexpr std::size_t kMask = 3;

// An operand as {batch, heads, rows, width}.
struct Operand {
  int tensor = kLeftOut;
  std::int64_t heads = 0, rows = 0, width = 0;
};

class Expanding {
 public:
  explicit Expanding(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i)
      if (is(edit_.node(i), "Attention")) expand(i);
    edit_.finish();
  }

 private:
  bool is_batch_first(int tensor) const {
    const GraphTensor& one = edit_.tensor(tensor);
    if (!is_native_tensor(one)) return false;
    const std::size_t rank = one.shape->sizes.size();
    return one.shape->batch_axis == 0 && one.shape->sizes[0] == 1 && (rank == 3 || rank == 4);
  }

  bool is_read(int tensor) const {
    return tensor != kLeftOut && (edit_.is_output(tensor) || !edit_.readers(tensor).empty());
  }

  bool can_expand(const GraphNode& node) const {
    for (const std::size_t input : {0U, 1U, 2U})
      if (!is_batch_first(node.inputs[input])) return false;
    for (std::size_t input = kMask + 1; input < node.inputs.size(); ++input)
      if (has_input(node, input)) return false;
    for (std::size_t output = 1; output < node.outputs.size(); ++output)
      if (is_read(node.outputs[output])) return false;
    return is_batch_first(node.outputs[0]) && number(node, "softcap", 0) == 0;
  }

  Operand described(int tensor, std::int64_t heads) const {
    const Shape& sizes = edit_.tensor(tensor).shape->sizes;
    if (sizes.size() == 4) return {tensor, sizes[1], sizes[2], sizes[3]};
    if (heads < 1 || sizes[2] % heads != 0) return {};
    return {tensor, heads, sizes[1], sizes[2] / heads};
  }

  // A node of one output of that shape, in front of the one that is expanded.
  int add(std::string domain, std::string op_type, std::vector<int> inputs, Shape sizes,
          std::map<std::string, GraphAttribute> attributes = {}) {
    constexpr std::int64_t kOpset = 13;
    GraphTensor made = edit_.tensor(of_->outputs[0]);
    made.name = of_->name + "." + op_type + std::to_string(before_.size());
    made.shape = BatchedShape{std::move(sizes), 0};
    GraphNode node =
        make_node(std::move(domain), std::move(op_type), kOpset, std::move(inputs), *of_);
    node.outputs = {edit_.add_tensor(std::move(made))};
    node.attributes = std::move(attributes);
    before_.push_back(std::move(node));
    return before_.back().outputs[0];
  }

  int reshape(int tensor, Shape sizes) {
    std::vector<std::int64_t> target = sizes;
    target[0] = 0;  // the batch, as it is
    return add("", "Reshape", {tensor, edit_.add_integers("target", target)}, std::move(sizes));
  }
  int transpose(int tensor, std::vector<std::int64_t> perm, Shape sizes) {
    return add("", "Transpose", {tensor}, std::move(sizes), {{"perm", std::move(perm)}});
  }

  int heads_first(const Operand& x) {
    if (edit_.tensor(x.tensor).shape->sizes.size() == 4) return x.tensor;
    const int split = reshape(x.tensor, {1, x.rows, x.heads, x.width});
    return transpose(split, {0, 2, 1, 3}, {1, x.heads, x.rows, x.width});
  }

  int softmax(int scores, const Shape& sizes) {
    const int mask = input_of(*of_, kMask);
    std::map<std::string, GraphAttribute> attributes;
    for (const char* name : {"is_causal", "left_window_size", "right_window_size"})
      if (of_->attributes.count(name)) attributes[name] = of_->attributes.at(name);
    const bool hides = integer(*of_, "is_causal", 0) != 0 ||
                       integer(*of_, "left_window_size", -1) >= 0 ||
                       integer(*of_, "right_window_size", -1) >= 0;
    if (mask == kLeftOut && !hides)
      return add("", "Softmax", {scores}, sizes, {{"axis", std::int64_t{-1}}});
    return add(kNative, "MaskedSoftmax", {scores, mask}, sizes, std::move(attributes));
  }

  void expand(int index) {
    const GraphNode node = edit_.node(index);
    if (!can_expand(node)) return;
    const std::int64_t of_keys = integer(node, "kv_num_heads", 0);
    const Operand q = described(node.inputs[0], integer(node, "q_num_heads", 0)),
                  k = described(node.inputs[1], of_keys), v = described(node.inputs[2], of_keys);
    if (q.heads == 0 || k.heads == 0 || v.heads != k.heads || q.heads % k.heads != 0) return;
    of_ = &node;
    before_.clear();
    result(q, attend(q, k, number(node, "scale", 1 / std::sqrt(static_cast<double>(q.width)))), v);
    GraphNode last = std::move(before_.back());
    before_.pop_back();
    last.outputs = {node.outputs[0]};
    edit_.replace(index, std::move(last));
    edit_.insert_before(index, std::move(before_));
  }

  // Heads of queries that share keys lie next to each other: as more rows of one head.
  int joined(int tensor, const Operand& of, std::int64_t heads, std::int64_t width) {
    if (of.heads == heads) return tensor;
    return reshape(tensor, {1, heads, of.heads / heads * of.rows, width});
  }

  // {batch, heads, queries, keys}: the share of each key.
  int attend(const Operand& q, const Operand& k, double scale) {
    const Shape apart{1, q.heads, q.rows, k.rows};
    const Shape together{1, k.heads, q.heads / k.heads * q.rows, k.rows};
    const int queries = joined(heads_first(q), q, k.heads, q.width);
    const int turned = transpose(heads_first(k), {0, 1, 3, 2}, {1, k.heads, k.width, k.rows});
    const int product = add("", "MatMul", {queries, turned}, together);
    const int factor = edit_.add_floats("scale", {}, {static_cast<float>(scale)});
    const int scores = add("", "Mul", {product, factor}, together);
    return softmax(together == apart ? scores : reshape(scores, apart), apart);
  }

  // The last node added writes what the attention writes.
  void result(const Operand& q, int shares, const Operand& v) {
    const std::int64_t rows = q.heads / v.heads * q.rows;
    const int values = heads_first(v);
    int sums = joined(shares, q, v.heads, v.rows);
    sums = add("", "MatMul", {sums, values}, {1, v.heads, rows, v.width});
    if (q.heads != v.heads) sums = reshape(sums, {1, q.heads, q.rows, v.width});
    if (edit_.tensor(of_->outputs[0]).shape->sizes.size() == 4) return;
    const int moved = transpose(sums, {0, 2, 1, 3}, {1, q.rows, q.heads, v.width});
    reshape(moved, {1, q.rows, q.heads * v.width});
  }

  GraphEditor& edit_;
  const GraphNode* of_ = nullptr;  // what is expanded
  std::vector<GraphNode> before_;
};

}  // namespace

void expand_attention(GraphEditor& edit) {
  Expanding(edit).run();
}

}  // namespace batchtune::imported

// What passes over an FileGraph need: who writes and reads a tensor, what a constant holds, and
// putting one node in the place of several. A pass is a function `void pass(GraphEditor& edit)`
// that leaves a graph which computes the same; lowered.cpp has the list of them in their order.
//
// Beside ONNX's own operations a graph may have, after passes, nodes of domain kNative: each is one
// operation of a Model (model.h). Their tensors keep ONNX's order of dimensions (images NCHW);
// which order they lie in is decided when they become operations (order.cpp).
//
//   Conv           X, W, [bias], [residual]; ONNX's attributes, and those of an epilogue (below)
//   MatMul         A [.., K], W [K, N] constant ([N, K] where `transposed` is 1), [bias [N]],
//                  [residual]; epilogue
//   Embedding      ids, table, [further tables ..], all tables constant [rows, features]: rows of
//                  the table picked by ids; position p adds row p modulo rows of each further one
//   BatchedMatMul  A, B; `heads`, `transpose_b`, `scale`, and where heads lie in each operand
//                  (`a_heads_last`, `b_heads_last`, `out_heads_last`: 0 for {batch, heads, rows,
//                  columns}, 1 for {batch, rows, heads * columns})
//   Softmax        X; over the last dimension of `scale` * X
//   MaskedSoftmax  X {batch, heads, queries, keys}, [mask]; ONNX Attention's attributes of who sees
//                  whom. No operation of a Model: always a call
//   LayerNorm      X, gain, bias, constant [N]; over the last dimension; `epsilon`
//   RmsNorm        X, gain; the same
//   Activation     X; `activation`
//   Slice          X; [`begin`, `end`) of the last dimension
// Epilogue: `activation` ("relu", "relu6", "gelu" in its tanh form, "gelu-erf", "silu"; absent:
// none), `residual_after` 1 where the residual is added behind the activation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/workload/onnx/graph.h"

namespace batchtune::imported {

inline constexpr char kNative[] = "batchtune";

template <typename T>
T attribute(const GraphNode& node, const std::string& name, T otherwise) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return otherwise;
  const T* value = std::get_if<T>(&found->second);
  return value ? *value : otherwise;
}
std::int64_t integer(const GraphNode& node, const std::string& name, std::int64_t otherwise);
double number(const GraphNode& node, const std::string& name, double otherwise);
std::string text(const GraphNode& node, const std::string& name, const std::string& otherwise);
std::vector<std::int64_t> integers(const GraphNode& node, const std::string& name);  // {}: absent

bool is(const GraphNode& node, std::string_view op_type);  // of ONNX's own domain
bool is_native(const GraphNode& node, std::string_view op_type);
bool has_input(const GraphNode& node, std::size_t input);
int input_of(const GraphNode& node, std::size_t input);  // kLeftOut where it is not there

// Values of a constant that does not depend on the batch; nullopt for every other tensor.
// `floats`: of floating types; `whole_numbers`: of integers and booleans; `single`: of one element
// of any of these.
std::optional<std::vector<float>> floats(const GraphTensor& tensor);
std::optional<std::vector<std::int64_t>> whole_numbers(const GraphTensor& tensor);
std::optional<double> single(const GraphTensor& tensor);

class GraphEditor {
 public:
  explicit GraphEditor(FileGraph& graph);

  const FileGraph& graph() const { return graph_; }
  int node_count() const { return static_cast<int>(graph_.nodes.size()); }
  // Nodes keep their indices until finish(); one that is gone has no op_type.
  const GraphNode& node(int index) const { return graph_.nodes[static_cast<std::size_t>(index)]; }
  const GraphTensor& tensor(int index) const {
    return graph_.tensors[static_cast<std::size_t>(index)];
  }
  bool has_value(int tensor_or_left_out) const;  // a constant, the same at every batch

  int writer(int tensor) const;                       // node; -1: an input or a constant
  const std::vector<int>& readers(int tensor) const;  // nodes, one entry for each read
  bool is_output(int tensor) const;
  // Read by one node, once, and no output: it may disappear into that node.
  bool is_read_once(int tensor) const;

  int add_tensor(GraphTensor tensor);
  int add_floats(const std::string& name, Shape shape, const std::vector<float>& values);
  int add_integers(const std::string& name, const std::vector<std::int64_t>& values);  // 1-D, i64
  void set_value(int tensor,
                 RawTensor value);  // it becomes a constant; its writer, if any, is left

  // `by` takes the node's place in the order; whatever it reads must come before it.
  void replace(int node, GraphNode by);
  void remove(int node);
  // Nodes that come before `node` in the order, from the next finish() on; until then nobody sees
  // them, and what only they read must not be taken away.
  void insert_before(int node, std::vector<GraphNode> nodes);
  // Whoever read `from` reads `to`; outputs of the graph as well.
  void redirect(int from, int to);

  // Nodes whose results nobody reads go, and with them the values that only they read.
  void finish();

 private:
  void find_links();
  void put_inserted();
  void link(int node);
  void unlink(int node);

  FileGraph& graph_;
  std::vector<int> writer_;
  std::vector<std::vector<int>> readers_;
  std::vector<int> as_output_;  // how often
  std::map<int, std::vector<GraphNode>> inserted_;  // by the node that they come before
};

}  // namespace batchtune::imported

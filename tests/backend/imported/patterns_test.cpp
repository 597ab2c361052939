// Subgraphs of transformers that are recognised, in the forms that exporters write, and what only
// looks like them.
#include <cmath>

#include "tests/support/catch.h"
#include "tuner/backend/imported/patterns.h"

using namespace batchtune;
using namespace batchtune::imported;

namespace {

using Attributes = std::map<std::string, GraphAttribute>;
using Ints = std::vector<std::int64_t>;

// A graph made node by node; every tensor but constants has the batch first.
class Graph {
 public:
  int input(Shape sizes) {
    const int index = tensor(std::move(sizes));
    graph_.inputs.push_back(index);
    return index;
  }
  int values(Shape shape, const std::vector<float>& values) {
    GraphEditor edit(graph_);
    return edit.add_floats("value", std::move(shape), values);
  }
  int value(double one) { return values({}, {static_cast<float>(one)}); }
  int integer(std::int64_t one) {
    GraphEditor edit(graph_);
    return edit.add_integers("integer", {one});
  }
  // With the shape of its first input that is no constant, unless told otherwise.
  int node(const std::string& op, std::vector<int> inputs, Attributes attributes = {},
           Shape sizes = {}) {
    for (const int one : inputs)
      if (sizes.empty() && !at(one).is_constant) sizes = at(one).shape->sizes;
    GraphNode node;
    node.op_type = op;
    node.name = op;
    node.opset = 17;
    node.attributes = std::move(attributes);
    node.inputs = std::move(inputs);
    node.outputs = {tensor(std::move(sizes))};
    graph_.nodes.push_back(std::move(node));
    return graph_.nodes.back().outputs[0];
  }
  int mean(int x) {
    Shape sizes = at(x).shape->sizes;
    sizes.back() = 1;
    return node("ReduceMean", {x}, {{"axes", Ints{-1}}}, sizes);
  }
  int reshape(int x, Shape sizes) { return node("Reshape", {x, integer(0)}, {}, std::move(sizes)); }
  int transpose(int x, const Ints& permutation) {
    Shape sizes;
    for (const std::int64_t axis : permutation)
      sizes.push_back(at(x).shape->sizes[static_cast<std::size_t>(axis)]);
    return node("Transpose", {x}, {{"perm", permutation}}, sizes);
  }
  int matmul(int a, int b) {
    Shape sizes = at(a).shape->sizes;
    sizes.back() = at(b).shape->sizes.back();
    return node("MatMul", {a, b}, {}, sizes);
  }

  // The operations that are left once `pass` has gone over the graph with that output.
  std::vector<GraphNode> after(void (*pass)(GraphEditor&), int output) {
    graph_.outputs = {output};
    GraphEditor edit(graph_);
    pass(edit);
    return graph_.nodes;
  }
  GraphNode& last() { return graph_.nodes.back(); }
  const GraphTensor& at(int index) const { return graph_.tensors[static_cast<std::size_t>(index)]; }

 private:
  int tensor(Shape sizes) {
    GraphTensor tensor;
    tensor.name = "t" + std::to_string(graph_.tensors.size());
    tensor.type = ElementType::f32;
    tensor.shape = BatchedShape{std::move(sizes), 0};
    graph_.tensors.push_back(std::move(tensor));
    return static_cast<int>(graph_.tensors.size()) - 1;
  }
  FileGraph graph_;
};

std::string names_of(const std::vector<GraphNode>& nodes) {
  std::string names;
  for (const GraphNode& node : nodes)
    names +=
        (names.empty() ? "" : " ") + (node.domain.empty() ? "" : node.domain + ".") + node.op_type;
  return names;
}

const Shape kRows{1, 5, 6};

int one_and_erf(Graph& graph, int x) {
  const int inner = graph.node("Div", {x, graph.value(std::sqrt(2))});
  return graph.node("Add", {graph.node("Erf", {inner}), graph.value(1)});
}

int gelu_tanh_inner(Graph& graph, int x, double cubic) {
  const int cube = graph.node("Pow", {x, graph.value(3)});
  const int sum = graph.node("Add", {x, graph.node("Mul", {graph.value(cubic), cube})});
  return graph.node("Tanh", {graph.node("Mul", {graph.value(std::sqrt(2 / M_PI)), sum})});
}

}  // namespace

TEST_CASE("GELU with erf is found in every order of its factors", "[imported]") {
  for (int order = 0; order < 6; ++order) {
    Graph graph;
    const int x = graph.node("Relu", {graph.input(kRows)});
    const int f = one_and_erf(graph, x), half = graph.value(0.5);
    int out = -1;
    if (order == 0) out = graph.node("Mul", {graph.node("Mul", {x, f}), half});
    if (order == 1) out = graph.node("Mul", {half, graph.node("Mul", {f, x})});
    if (order == 2) out = graph.node("Mul", {graph.node("Mul", {x, half}), f});
    if (order == 3) out = graph.node("Mul", {x, graph.node("Mul", {half, f})});
    if (order == 4) out = graph.node("Div", {graph.node("Mul", {f, x}), graph.value(2)});
    if (order == 5) {
      const int inner = graph.node("Mul", {graph.value(std::sqrt(0.5)), x});
      const int scaled = graph.node("Mul", {graph.node("Erf", {inner}), half});
      out = graph.node("Mul", {graph.node("Add", {half, scaled}), x});
    }
    CAPTURE(order);
    const auto nodes = graph.after(recognise_activations, out);
    REQUIRE(names_of(nodes) == "Relu batchtune.Activation");
    CHECK(text(nodes[1], "activation", "") == "gelu-erf");
  }
}

TEST_CASE("GELU with tanh becomes the native activation, with Pow and with products",
          "[imported]") {
  Graph graph;
  const int x = graph.input(kRows);
  const int one = graph.node("Add", {gelu_tanh_inner(graph, x, 0.044715), graph.value(1)});
  const int out = graph.node("Mul", {graph.node("Mul", {graph.value(0.5), x}), one});
  const auto nodes = graph.after(recognise_activations, out);
  REQUIRE(names_of(nodes) == "batchtune.Activation");
  CHECK(text(nodes[0], "activation", "") == "gelu");

  Graph other;  // 0.5 x (1 + tanh(0.7978 x (1 + 0.044715 x x)))
  const int y = other.input(kRows);
  const int square = other.node("Mul", {other.node("Mul", {y, other.value(0.044715)}), y});
  const int line = other.node("Mul", {y, other.value(0.7978845608028654)});
  const int inner = other.node("Mul", {line, other.node("Add", {square, other.value(1)})});
  const int sum = other.node("Add", {other.value(1), other.node("Tanh", {inner})});
  const int half = other.node("Mul", {sum, other.value(0.5)});
  CHECK(names_of(other.after(recognise_activations, other.node("Mul", {y, half}))) ==
        "batchtune.Activation");
}

TEST_CASE("the operations of ONNX Runtime's optimiser are the native activations", "[imported]") {
  const std::string op = GENERATE("Gelu", "FastGelu");
  Graph graph;
  const int x = graph.input(kRows);
  const int out = graph.node(op, {x});
  graph.last().domain = "com.microsoft";
  const auto nodes = graph.after(recognise_activations, out);
  REQUIRE(names_of(nodes) == "batchtune.Activation");
  CHECK(text(nodes[0], "activation", "") == (op == "Gelu" ? "gelu-erf" : "gelu"));
}

TEST_CASE("what is no GELU stays what it is", "[imported]") {
  Graph graph;  // another factor
  const int x = graph.input(kRows);
  const int f = one_and_erf(graph, x);
  const int out = graph.node("Mul", {graph.node("Mul", {x, f}), graph.value(0.4)});
  CHECK(names_of(graph.after(recognise_activations, out)) == "Div Erf Add Mul Mul");

  Graph other;  // erf of something else
  const int a = other.input(kRows), b = other.input(kRows);
  const int g = one_and_erf(other, a);
  const int half = other.node("Mul", {other.node("Mul", {b, g}), other.value(0.5)});
  CHECK(names_of(other.after(recognise_activations, half)) == "Div Erf Add Mul Mul");

  Graph third;  // another cubic term
  const int y = third.input(kRows);
  const int one = third.node("Add", {gelu_tanh_inner(third, y, 0.05), third.value(1)});
  const int wrong = third.node("Mul", {third.node("Mul", {third.value(0.5), y}), one});
  CHECK(names_of(third.after(recognise_activations, wrong)) == "Pow Mul Add Mul Tanh Add Mul Mul");
}

TEST_CASE("SiLU, its scaled kin and HardSwish are found", "[imported]") {
  Graph graph;
  const int x = graph.input(kRows);
  const int out = graph.node("Mul", {graph.node("Sigmoid", {x}), x});
  const auto nodes = graph.after(recognise_activations, out);
  REQUIRE(names_of(nodes) == "batchtune.Activation");
  CHECK(text(nodes[0], "activation", "") == "silu");

  Graph quick;
  const int y = quick.input(kRows);
  const int gate = quick.node("Sigmoid", {quick.node("Mul", {y, quick.value(1.702)})});
  const auto swish = quick.after(recognise_activations, quick.node("Mul", {y, gate}));
  REQUIRE(names_of(swish) == "Swish");
  CHECK(number(swish[0], "alpha", 1) == Approx(1.702));

  Graph hard;
  const int z = hard.input(kRows);
  const int clipped =
      hard.node("Clip", {hard.node("Add", {z, hard.value(3)}), hard.value(0), hard.value(6)});
  const int product = hard.node("Div", {hard.node("Mul", {z, clipped}), hard.value(6)});
  CHECK(names_of(hard.after(recognise_activations, product)) == "HardSwish");
}

TEST_CASE("layer norm is found with one subtraction and with two, by Div and by Reciprocal",
          "[imported]") {
  for (int form = 0; form < 4; ++form) {
    Graph graph;
    const int x = graph.input(kRows);
    const int centred = graph.node("Sub", {x, graph.mean(x)});
    const int again = form == 1 ? graph.node("Sub", {x, graph.mean(x)}) : centred;
    const int square = form == 2 ? graph.node("Mul", {centred, centred})
                                 : graph.node("Pow", {centred, graph.value(2)});
    const int variance = graph.node("Add", {graph.value(1e-6), graph.mean(square)});
    int normal = -1;
    if (form == 3) {
      normal = graph.node("Mul", {graph.node("Pow", {variance, graph.value(-0.5)}), again});
    } else if (form == 2) {
      const int root = graph.node("Reciprocal", {graph.node("Sqrt", {variance})});
      normal = graph.node("Mul", {again, root});
    } else {
      normal = graph.node("Div", {again, graph.node("Sqrt", {variance})});
    }
    const int gain = graph.values({6}, {1, 2, 3, 4, 5, 6});
    const int bias = graph.values({1, 1, 6}, {6, 5, 4, 3, 2, 1});
    const int out = graph.node("Add", {graph.node("Mul", {gain, normal}), bias});
    const auto nodes = graph.after(recognise_norms, out);
    CAPTURE(form);
    REQUIRE(names_of(nodes) == "batchtune.LayerNorm");
    CHECK(number(nodes[0], "epsilon", 0) == Approx(1e-6));
    CHECK(floats(graph.at(nodes[0].inputs[1]))->at(5) == 6);
    CHECK(floats(graph.at(nodes[0].inputs[2]))->at(5) == 1);
    CHECK(nodes[0].outputs[0] == out);
  }
}

TEST_CASE("a norm without a mean is RMS norm, and one over another axis is left", "[imported]") {
  Graph graph;
  const int x = graph.input(kRows);
  const int variance =
      graph.node("Add", {graph.mean(graph.node("Pow", {x, graph.value(2)})), graph.value(1e-5)});
  const int root = graph.node("Div", {graph.value(1), graph.node("Sqrt", {variance})});
  const int normal = graph.node("Mul", {x, root});
  const int out = graph.node("Mul", {graph.values({6}, {1, 2, 3, 4, 5, 6}), normal});
  CHECK(names_of(graph.after(recognise_norms, out)) == "batchtune.RmsNorm");

  Graph other;
  const int y = other.input(kRows);
  const int mean = other.node("ReduceMean", {y}, {{"axes", Ints{1}}}, {1, 1, 6});
  const int centred = other.node("Sub", {y, mean});
  const int square = other.node("Pow", {centred, other.value(2)});
  const int mean_square = other.node("ReduceMean", {square}, {{"axes", Ints{1}}}, {1, 1, 6});
  const int sqrt = other.node("Sqrt", {other.node("Add", {mean_square, other.value(1e-5)})});
  const auto nodes = other.after(recognise_norms, other.node("Div", {centred, sqrt}));
  CHECK(names_of(nodes) == "ReduceMean Sub Pow ReduceMean Add Sqrt Div");
}

TEST_CASE("attention is two products and a softmax, whatever its scale and transposes",
          "[imported]") {
  constexpr std::int64_t kTokens = 7, kHeads = 2, kColumns = 4;
  for (int form = 0; form < 4; ++form) {
    Graph graph;
    std::vector<int> parts;
    for (int i = 0; i < 3; ++i)
      parts.push_back(graph.reshape(graph.input({1, kTokens, kHeads * kColumns}),
                                    {1, kTokens, kHeads, kColumns}));
    int q = graph.transpose(parts[0], {0, 2, 1, 3});
    int k = form == 0 ? graph.transpose(parts[1], {0, 2, 3, 1})
                      : graph.transpose(graph.transpose(parts[1], {0, 2, 1, 3}), {0, 1, 3, 2});
    if (form == 1) q = graph.node("Mul", {q, graph.value(0.5)});
    if (form == 2) {
      q = graph.node("Mul", {q, graph.value(std::sqrt(0.5))});
      k = graph.node("Mul", {k, graph.value(std::sqrt(0.5))});
    }
    int scores = graph.matmul(q, k);
    if (form == 0 || form == 3) scores = graph.node("Div", {scores, graph.value(2)});
    if (form == 3) scores = graph.node("Add", {scores, graph.input({1, 1, 1, kTokens})});
    const int shares = graph.node("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
    const int mixed = graph.matmul(shares, graph.transpose(parts[2], {0, 2, 1, 3}));
    const int out =
        graph.reshape(graph.transpose(mixed, {0, 2, 1, 3}), {1, kTokens, kHeads * kColumns});
    const auto nodes = graph.after(recognise_attention, out);
    CAPTURE(form);
    const bool masked = form == 3;
    REQUIRE(names_of(nodes) == std::string("batchtune.BatchedMatMul ") + (masked ? "Add " : "") +
                                   "batchtune.Softmax batchtune.BatchedMatMul");
    CHECK(number(nodes[0], "scale", 1) == Approx(0.5));
    for (const char* where : {"a_heads_last", "b_heads_last", "transpose_b"})
      CHECK(integer(nodes[0], where, 0) == 1);
    CHECK(integer(nodes[0], "out_heads_last", 1) == 0);
    CHECK(integer(nodes.back(), "a_heads_last", 1) == 0);
    CHECK(integer(nodes.back(), "transpose_b", 1) == 0);
    for (const char* where : {"b_heads_last", "out_heads_last"})
      CHECK(integer(nodes.back(), where, 0) == 1);
    CHECK(nodes.back().outputs[0] == out);
  }
}

TEST_CASE("queries, keys and values of one product are slices of its rows", "[imported]") {
  constexpr std::int64_t kTokens = 7, kHeads = 2, kColumns = 4;
  Graph graph;
  const int joined = graph.input({1, kTokens, 3 * kHeads * kColumns});
  const int five =
      graph.transpose(graph.reshape(joined, {1, kTokens, 3, kHeads, kColumns}), {2, 0, 3, 1, 4});
  std::vector<int> parts;
  for (int i = 0; i < 3; ++i)
    parts.push_back(
        graph.node("Gather", {five, graph.integer(i)}, {}, {1, kHeads, kTokens, kColumns}));
  const int scores = graph.matmul(parts[0], graph.transpose(parts[1], {0, 1, 3, 2}));
  const auto nodes = graph.after(recognise_attention, graph.matmul(scores, parts[2]));
  REQUIRE(names_of(nodes) ==
          "batchtune.Slice batchtune.Slice batchtune.Slice batchtune.BatchedMatMul "
          "batchtune.BatchedMatMul");
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(integer(nodes[i], "begin", -1) == static_cast<std::int64_t>(i) * kHeads * kColumns);
    CHECK(nodes[i].inputs == std::vector<int>{joined});
  }
  CHECK(nodes[3].inputs == std::vector<int>{nodes[0].outputs[0], nodes[1].outputs[0]});
}

TEST_CASE("a Gemm between two reshapes is a product of the rows as they are", "[imported]") {
  for (const bool turned : {false, true}) {
    Graph graph;
    const int x = graph.input(kRows);
    const int weights =
        graph.values(turned ? Shape{2, 6} : Shape{6, 2},
                     turned ? std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
                            : std::vector<float>{1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12});
    const int flat = graph.reshape(x, {5, 6});
    const int product = graph.node("Gemm", {flat, weights, graph.values({2}, {1, 2})},
                                   {{"transB", std::int64_t{turned}}}, {5, 2});
    const int out = graph.reshape(product, {1, 5, 2});
    const auto nodes = graph.after(recognise_products, out);
    CAPTURE(turned);
    REQUIRE(names_of(nodes) == "MatMul Add");
    CHECK(nodes[0].inputs[0] == x);
    CHECK(floats(graph.at(nodes[0].inputs[1])) ==
          std::vector<float>{1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12});
    CHECK(graph.at(nodes[0].outputs[0]).shape->sizes == Shape{1, 5, 2});
    CHECK(nodes[1].outputs[0] == out);
  }
}

// The keys were cut out of the joined rows although their transpose was wanted as well; nothing
// wrote it any more.
TEST_CASE("keys of a joined product whose transpose is read elsewhere stay as they are",
          "[imported]") {
  constexpr std::int64_t kTokens = 7, kHeads = 2, kColumns = 4;
  Graph graph;
  const int joined = graph.input({1, kTokens, 3 * kHeads * kColumns});
  const int five =
      graph.transpose(graph.reshape(joined, {1, kTokens, 3, kHeads, kColumns}), {2, 0, 3, 1, 4});
  const auto part = [&](std::int64_t i) {
    return graph.node("Gather", {five, graph.integer(i)}, {}, {1, kHeads, kTokens, kColumns});
  };
  const int q = part(0), keys = graph.transpose(part(1), {0, 1, 3, 2});
  const int scores = graph.matmul(q, keys);
  const int sum = graph.node("Add", {graph.node("Relu", {keys}), graph.matmul(keys, scores)});
  const std::string names = names_of(graph.after(recognise_attention, sum));
  CAPTURE(names);
  CHECK(names.find("Gather Transpose batchtune.BatchedMatMul Relu") != std::string::npos);
}

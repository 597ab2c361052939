// ONNX's Attention, recurrent and quantised operations in whole models: native where they can be,
// calls else, at any batch.
#include "tests/backend/imported/imported_support.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

constexpr std::int64_t kHeads = 2, kRows = 5, kFeatures = 12;

// Queries, keys and values of one input, three products; laid out as rows, or as heads.
OnnxGraph with_operands(bool as_heads) {
  OnnxGraph graph(23);
  graph.input("x", {"N", kRows, kFeatures});
  graph.integers("split", {0, kRows, kHeads, kFeatures / kHeads});
  for (const std::string name : {"q", "k", "v"}) {
    constant(graph, "weights of " + name, {kFeatures, kFeatures});
    graph.node("MatMul", {"x", "weights of " + name}, {as_heads ? name + " rows" : name});
    if (!as_heads) continue;
    graph.node("Reshape", {name + " rows", "split"}, {name + " split"});
    set_ints(graph.node("Transpose", {name + " split"}, {name}), "perm", {0, 2, 1, 3});
  }
  return graph;
}

::onnx::NodeProto& add_attention(OnnxGraph& graph, bool as_heads,
                                 std::vector<std::string> inputs = {}) {
  inputs.insert(inputs.begin(), {"q", "k", "v"});
  auto& node = graph.node("Attention", inputs, {"y"});
  if (!as_heads) set_int(node, "q_num_heads", kHeads);
  if (!as_heads) set_int(node, "kv_num_heads", kHeads);
  graph.output("y");
  return node;
}

}  // namespace

TEST_CASE("attention as one node becomes two native products and a softmax", "[imported]") {
  const bool as_heads = GENERATE(false, true);
  OnnxGraph graph = with_operands(as_heads);
  add_attention(graph, as_heads);
  const auto model = check_forms(graph);
  auto kinds = kinds_of(*model->lowered());
  CHECK(kinds["batched_matmul"] == 2);
  CHECK(kinds["softmax"] == 1);
  CHECK(kinds["transpose"] + kinds["Transpose"] == 0);
  CHECK(model->lowered()->calls.empty());
  check_batches(*model);
}

TEST_CASE("what a mask hides is a call between native products", "[imported]") {
  const bool as_heads = GENERATE(false, true), causal = GENERATE(false, true);
  OnnxGraph graph = with_operands(as_heads);
  graph.input("mask", {"N", 1, 1, kRows});
  auto& node = add_attention(graph, as_heads, {"mask"});
  if (causal) set_int(node, "is_causal", 1);
  const auto model = check_forms(graph);
  auto kinds = kinds_of(*model->lowered());
  CHECK(kinds["batched_matmul"] == 2);
  CHECK(kinds["MaskedSoftmax"] == 1);
  CHECK(model->lowered()->calls.size() == 1);
  check_batches(*model);
}

TEST_CASE("heads that share keys become more rows of one head", "[imported]") {
  OnnxGraph graph(23);
  graph.input("q", {"N", 6, kRows, 4});
  graph.input("k", {"N", 2, 7, 4});
  graph.input("v", {"N", 2, 7, 3});
  graph.node("Attention", {"q", "k", "v"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(kinds_of(*model->lowered())["batched_matmul"] == 2);
  CHECK(model->lowered()->calls.empty());
  check_batches(*model);
}

TEST_CASE("attention with outputs that are read, or a soft cap, stays one call", "[imported]") {
  const bool capped = GENERATE(false, true);
  OnnxGraph graph = with_operands(true);
  auto& node = add_attention(graph, true);
  if (capped) {
    auto& cap = attribute(node, "softcap");
    cap.set_type(::onnx::AttributeProto::FLOAT);
    cap.set_f(2);
  } else {
    for (const char* name : {"nk", "nv", "scores"}) node.add_output(name);
    graph.output("scores");
  }
  const auto model = check_forms(graph);
  CHECK(kinds_of(*model->lowered())["batched_matmul"] == 0);
  check_batches(*model);
}

TEST_CASE("rotary embeddings run with positions of the batch", "[imported]") {
  OnnxGraph graph = with_operands(true);
  graph.input("positions", {"N", kRows}, OnnxGraph::kInt64);
  constant(graph, "cos", {2, kFeatures / kHeads / 2});
  constant(graph, "sin", {2, kFeatures / kHeads / 2});
  graph.node("RotaryEmbedding", {"q", "cos", "sin", "positions"}, {"y"});
  graph.output("y");
  check_forms(graph);
}

TEST_CASE("quantised convolutions run, in whatever type the backend computes", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 3, 8, 8});
  const auto single = [&](const std::string& name, float value) {
    set_floats(graph.weights(name, {}), {value});
  };
  single("step", 0.01F);
  single("step of weights", 0.004F);
  single("step of sums", 0.05F);
  const auto bytes = [&](const std::string& name, const Shape& shape, int type) {
    auto& tensor = *graph.graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    std::string values;
    for (const std::int64_t size : shape) tensor.add_dims(size);
    for (std::int64_t i = 0; i < elements(shape); ++i) values += static_cast<char>(i * 37 % 101);
    tensor.set_raw_data(values);
  };
  bytes("zero", {}, ::onnx::TensorProto::UINT8);
  bytes("zero of weights", {}, ::onnx::TensorProto::INT8);
  bytes("w", {4, 3, 3, 3}, ::onnx::TensorProto::INT8);
  graph.node("QuantizeLinear", {"x", "step", "zero"}, {"q"});
  graph.node(
      "QLinearConv",
      {"q", "step", "zero", "w", "step of weights", "zero of weights", "step of sums", "zero"},
      {"sums"});
  graph.node("DequantizeLinear", {"sums", "step of sums", "zero"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(model->lowered()->calls.size() == 3);
  check_batches(*model);
}

TEST_CASE("recurrent layers run with the batch in the middle, their sequence asked for or not",
          "[imported]") {
  const std::string op = GENERATE("LSTM", "GRU", "RNN");
  const bool sequence = GENERATE(false, true);
  const std::int64_t gates = op == "LSTM" ? 4 : op == "GRU" ? 3 : 1;
  OnnxGraph graph;
  graph.input("x", {kRows, "batch", 3});
  constant(graph, "w", {2, gates * 4, 3});
  constant(graph, "r", {2, gates * 4, 4});
  constant(graph, "b", {2, 2 * gates * 4});
  auto& node = graph.node(op, {"x", "w", "r", "b"}, {sequence ? "y" : "", "h"});
  set_int(node, "hidden_size", 4);
  set_text(node, "direction", "bidirectional");
  if (sequence) graph.output("y");
  graph.output("h");
  const auto model = check_forms(graph);
  CHECK(model->lowered()->calls.size() == 1);
}

TEST_CASE("an activation of a gate that is not known is said", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {kRows, "batch", 3});
  constant(graph, "w", {1, 4, 3});
  constant(graph, "r", {1, 4, 4});
  auto& activations = attribute(graph.node("RNN", {"x", "w", "r"}, {"y"}), "activations");
  activations.set_type(::onnx::AttributeProto::STRINGS);
  activations.add_strings("Wave");
  graph.output("y");
  const Model model = read_ok(graph);
  const auto lowered = imported::lower_imported(read_onnx_graph(model).value(), model, {});
  REQUIRE_FALSE(lowered);
  CHECK(lowered.error().reason.find("the activation Wave") != std::string::npos);
}

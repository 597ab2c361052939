// Each rule by small graphs: the output's shape of one sample, and the work.
#include <optional>

#include "tests/support/catch.h"
#include "tests/support/onnx_graph.h"
#include "tuner/workload/onnx/graph.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/work.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

using Integers = std::vector<std::int64_t>;

// A node of inputs [N, ...], then weights, then lists of integers (nullopt: an input that is left
// out).
struct Case {
  std::string op;
  std::vector<Shape> inputs;
  std::vector<Shape> weights;
  std::vector<std::optional<Integers>> lists;
  std::vector<std::pair<std::string, Integers>> attributes;  // of several integers
  std::vector<std::pair<std::string, std::int64_t>> numbers;
  Shape output;
  double flops = 0;
  int opset = 17;
  std::string text_name = "", text = "";  // an attribute of text
};

Result<Model> model_of(const Case& c) {
  OnnxGraph graph(c.opset);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    OnnxSizes sizes = fixed_sizes(c.inputs[i]);
    sizes.insert(sizes.begin(), OnnxSize("N"));
    names.push_back("x" + std::to_string(i));
    graph.input(names.back(), sizes);
  }
  for (std::size_t i = 0; i < c.weights.size(); ++i) {
    names.push_back("w" + std::to_string(i));
    graph.weights(names.back(), c.weights[i]);
  }
  for (std::size_t i = 0; i < c.lists.size(); ++i) {
    names.push_back(c.lists[i] ? "i" + std::to_string(i) : "");
    if (c.lists[i]) graph.integers(names.back(), *c.lists[i]);
  }
  auto& node = graph.node(c.op, names, {"y"});
  for (const auto& [name, values] : c.attributes) set_ints(node, name, values);
  for (const auto& [name, value] : c.numbers) set_int(node, name, value);
  if (!c.text.empty()) set_text(node, c.text_name, c.text);
  graph.output("y");
  return read_onnx(graph.write(), {});
}

void check(const Case& c) {
  INFO(c.op << ", opset " << c.opset);
  const auto model = model_of(c);
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  CHECK(model->description.find("not read") == std::string::npos);
  CHECK(model->ops.back().output == c.output);
  CHECK(summarise(*model).flops_per_sample == c.flops);
}

void refuse(const Case& c, const std::string& wanted) {
  INFO(c.op);
  const auto model = model_of(c);
  REQUIRE_FALSE(model);
  INFO(to_string(model.error()));
  CHECK(model.error().wanted.find(wanted) != std::string::npos);
  CHECK(model.error().where == "model.onnx, node \"node of y\" (" + c.op + ")");
}

}  // namespace

TEST_CASE("convolutions have the sizes and the work of their windows", "[onnx]") {
  const double flops = 2.0 * 6 * 5 * 4 * 2 * 9;
  check({"Conv",
         {{4, 9, 8}},
         {{6, 2, 3, 3}},
         {},
         {{"strides", {2, 2}}, {"pads", {1, 0, 1, 1}}},
         {{"group", 2}},
         {6, 5, 4},
         flops});
  check({"Conv", {{4, 9}}, {{6, 4, 3}}, {}, {{"dilations", {2}}}, {}, {6, 5}, 2.0 * 6 * 5 * 12});
  check({"Conv", {{1, 4, 4, 4}}, {{2, 1, 3, 3, 3}}, {}, {}, {}, {2, 2, 2, 2}, 2.0 * 16 * 27});
  check({"Conv",
         {{4, 9, 9}},
         {{6, 4, 3, 3}},
         {},
         {{"strides", {2, 2}}},
         {},
         {6, 5, 5},
         2.0 * 150 * 36,
         17,
         "auto_pad",
         "SAME_UPPER"});
  check({"ConvTranspose",
         {{4, 5, 5}},
         {{4, 3, 3, 3}},
         {},
         {{"strides", {2, 2}}, {"pads", {1, 1, 1, 1}}, {"output_padding", {1, 1}}},
         {},
         {3, 10, 10},
         2.0 * 100 * 27});
  refuse({"Conv", {{4, 9, 8}}, {{6, 3, 3, 3}}, {}, {}, {}, {}}, "filters over 4 channels");
  refuse({"Conv", {{4, 2, 8}}, {{6, 4, 3, 3}}, {}, {}, {}, {}}, "an image of at least the kernel");
  refuse({"Conv", {{4, 9, 8}}, {{6, 4, 3, 3}}, {}, {{"strides", {0, 2}}}, {}, {}},
         "strides: 2 sizes");
  refuse({"Conv", {{4, 9, 8}}, {{6, 4, 3, 3}}, {}, {}, {{"group", 0}}, {}}, "a group that divides");
}

TEST_CASE("products multiply what fits", "[onnx]") {
  check({"Gemm", {{12}}, {{5, 12}, {5}}, {}, {}, {{"transB", 1}}, {5}, 2.0 * 60});
  check({"MatMul", {{7, 12}}, {{12, 5}}, {}, {}, {}, {7, 5}, 2.0 * 7 * 60});
  check({"MatMul", {{3, 7, 12}, {3, 12, 5}}, {}, {}, {}, {}, {3, 7, 5}, 2.0 * 3 * 7 * 60});
  check({"Einsum",
         {{7, 12}, {5, 12}},
         {},
         {},
         {},
         {},
         {7, 5},
         2.0 * 7 * 60,
         17,
         "equation",
         "bik,bjk->bij"});
  refuse({"MatMul", {{7, 12}}, {{11, 5}}, {}, {}, {}, {}}, "can be multiplied");
}

TEST_CASE("pooling rounds down or up, and never begins behind the image", "[onnx]") {
  check({"MaxPool",
         {{4, 8, 8}},
         {},
         {},
         {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}},
         {},
         {4, 3, 3},
         36.0 * 9});
  check({"MaxPool",
         {{4, 8, 8}},
         {},
         {},
         {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}},
         {{"ceil_mode", 1}},
         {4, 4, 4},
         64.0 * 9});
  check({"AveragePool",
         {{4, 6, 6}},
         {},
         {},
         {{"kernel_shape", {1, 1}}, {"strides", {4, 4}}, {"pads", {0, 0, 2, 2}}},
         {{"ceil_mode", 1}},
         {4, 2, 2},
         16.0});
  check({"GlobalAveragePool", {{4, 8, 8}}, {}, {}, {}, {}, {4, 1, 1}, 256});
}

TEST_CASE("elementwise operations spread their operands", "[onnx]") {
  check({"Add", {{4, 8}, {1, 8}}, {}, {}, {}, {}, {4, 8}, 32});
  check({"Mul", {{4, 8}}, {{4, 1}}, {}, {}, {}, {4, 8}, 32});
  check({"Where", {{4, 8}, {4, 1}, {1, 8}}, {}, {}, {}, {}, {4, 8}, 32});
  check({"Add", {{4, 8, 8}}, {{4}}, {}, {}, {{"broadcast", 1}, {"axis", 1}}, {4, 8, 8}, 256, 6});
  check({"Clip", {{4, 8}}, {{}, {}}, {}, {}, {}, {4, 8}, 32});
  check({"BatchNormalization", {{4, 8, 8}}, {{4}, {4}, {4}, {4}}, {}, {}, {}, {4, 8, 8}, 256});
  check({"LayerNormalization", {{7, 12}}, {{12}, {12}}, {}, {}, {}, {7, 12}, 84});
  check({"Softmax", {{7, 12}}, {}, {}, {}, {}, {7, 12}, 84});
  refuse({"Add", {{4, 8}, {3, 8}}, {}, {}, {}, {}, {}}, "spread over each other");
}

TEST_CASE("reductions keep or drop dimensions, by attribute or by input", "[onnx]") {
  check({"ReduceMean", {{4, 8}}, {}, {}, {{"axes", {-1}}}, {}, {4, 1}, 32});
  check({"ReduceMean", {{4, 8}}, {}, {}, {{"axes", {2}}}, {{"keepdims", 0}}, {4}, 32});
  check({"ReduceSum", {{4, 8}}, {}, {Integers{1, 2}}, {}, {}, {1, 1}, 32});
  check({"ArgMax", {{4, 8}}, {}, {}, {}, {{"axis", 2}, {"keepdims", 0}}, {4}, 32});
  check({"TopK", {{8}}, {}, {Integers{3}}, {}, {}, {3}, 8});
  refuse({"ReduceMean", {{4, 8}}, {}, {}, {{"axes", {3}}}, {}, {}}, "an axis of 3 dimensions");
}

TEST_CASE("layout operations move elements and count none", "[onnx]") {
  check({"Reshape", {{4, 6}}, {}, {Integers{0, -1, 3}}, {}, {}, {8, 3}});
  check({"Flatten", {{4, 6}}, {}, {}, {}, {}, {24}});
  check({"Transpose", {{4, 6, 2}}, {}, {}, {{"perm", {0, 3, 1, 2}}}, {}, {2, 4, 6}});
  check({"Squeeze", {{4, 1}}, {}, {Integers{2}}, {}, {}, {4}});
  check({"Squeeze", {{4, 1}}, {}, {}, {{"axes", {2}}}, {}, {4}, 0, 11});
  check({"Unsqueeze", {{4}}, {}, {Integers{1, -1}}, {}, {}, {1, 4, 1}});
  check({"Concat", {{4, 6}, {2, 6}}, {}, {}, {}, {{"axis", 1}}, {6, 6}});
  check({"Slice",
         {{8, 6}},
         {},
         {Integers{1, -1}, Integers{INT64_MAX, -7}, Integers{1, 2}, Integers{3, -2}},
         {},
         {},
         {3, 3}});
  check({"Slice",
         {{8, 6}},
         {},
         {},
         {{"starts", {2}}, {"ends", {-1}}, {"axes", {1}}},
         {},
         {5, 6},
         0,
         9});
  check({"Pad", {{4, 6}}, {}, {Integers{0, 1, 0, 0, 2, 1}}, {}, {}, {7, 7}});
  check({"Pad", {{4, 6}}, {}, {}, {{"pads", {0, 1, 0, 0, 2, 1}}}, {}, {7, 7}, 0, 10});
  check({"Expand", {{1, 6}}, {}, {Integers{1, 4, 6}}, {}, {}, {4, 6}});
  check({"Tile", {{2, 6}}, {}, {Integers{1, 3, 2}}, {}, {}, {6, 12}});
  check({"DepthToSpace", {{8, 3, 3}}, {}, {}, {}, {{"blocksize", 2}}, {2, 6, 6}});
  check({"Resize",
         {{4, 5, 5}},
         {},
         {std::nullopt, std::nullopt, Integers{10, 15}},
         {{"axes", {2, 3}}},
         {},
         {4, 10, 15},
         600,
         18});
  refuse({"Reshape", {{4, 6}}, {}, {Integers{0, 7}}, {}, {}, {}}, "a shape with the elements");
  refuse({"Transpose", {{4, 6}}, {}, {}, {{"perm", {0, 1, 1}}}, {}, {}}, "each axis once");
  refuse({"Slice", {{8}}, {}, {Integers{0}, Integers{8}, Integers{1}, Integers{0}}, {}, {}, {}},
         "a step other than 0");
}

TEST_CASE("recurrent layers count both products of every step", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {10, "batch", 3});
  graph.weights("w", {1, 16, 3});
  graph.weights("r", {1, 16, 4});
  set_int(graph.node("LSTM", {"x", "w", "r"}, {"y", "h"}), "hidden_size", 4);
  graph.output("y");
  graph.output("h");
  const Model model = read_onnx(graph.write(), {}).value();
  CHECK(model.ops[0].output == Shape{10, 3});
  CHECK(model.ops[1].output == Shape{10, 1, 4});
  CHECK(model.ops[1].flops == 2.0 * 10 * (16 * 3 + 16 * 4));
  CHECK(model.ops[2].output == Shape{1, 4});
  CHECK(model.ops[2].flops == 0);
}

TEST_CASE("attention as one node counts both of its products", "[onnx]") {
  const double flops = 2.0 * 4 * 5 * 7 * (6 + 3);
  check({"Attention", {{4, 5, 6}, {2, 7, 6}, {2, 7, 3}}, {}, {}, {}, {}, {4, 5, 3}, flops, 23});
  check({"Attention",
         {{5, 24}, {7, 12}, {7, 6}},
         {},
         {},
         {},
         {{"q_num_heads", 4}, {"kv_num_heads", 2}},
         {5, 12},
         flops,
         23});
  refuse({"Attention", {{4, 5, 6}, {3, 7, 6}, {3, 7, 3}}, {}, {}, {}, {}, {}, 0, 23},
         "that fit each other");
  refuse({"Attention", {{5, 24}, {7, 12}, {7, 6}}, {}, {}, {}, {}, {}, 0, 23},
         "q_num_heads divides");
  check({"RotaryEmbedding", {{4, 5, 6}, {5, 3}, {5, 3}}, {}, {}, {}, {}, {4, 5, 6}, 120, 23});
}

TEST_CASE("a cache lengthens keys and values, which are further outputs", "[onnx]") {
  OnnxGraph graph(23);
  for (const std::string name : {"q", "k", "v"}) graph.input(name, {"N", 4, 1, 6});
  for (const std::string name : {"pk", "pv"}) graph.input(name, {"N", 4, 9, 6});
  graph.node("Attention", {"q", "k", "v", "", "pk", "pv"}, {"y", "nk", "nv"});
  for (const std::string name : {"y", "nk", "nv"}) graph.output(name);
  const Model model = read_onnx(graph.write(), {}).value();
  REQUIRE(model.ops.size() == 8);
  CHECK(model.ops[5].output == Shape{4, 1, 6});
  CHECK(model.ops[5].flops == 2.0 * 4 * 10 * 12);
  CHECK(model.ops[6].output == Shape{4, 10, 6});
  CHECK(model.ops[7].output == Shape{4, 10, 6});
}

TEST_CASE("quantised products have the type of their output's zero point", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {"N", 3, 8, 8}, ::onnx::TensorProto::UINT8);
  graph.weights("scale", {});
  const auto byte = [&](const std::string& name, const Shape& shape, int type) {
    auto& tensor = *graph.graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t size : shape) tensor.add_dims(size);
    tensor.set_raw_data(std::string(static_cast<std::size_t>(elements(shape)), '\1'));
  };
  byte("u8", {}, ::onnx::TensorProto::UINT8);
  byte("i8", {}, ::onnx::TensorProto::INT8);
  byte("w", {4, 3, 3, 3}, ::onnx::TensorProto::INT8);
  graph.node("QLinearConv", {"x", "scale", "u8", "w", "scale", "i8", "scale", "i8"}, {"c"});
  graph.node("DequantizeLinear", {"c", "scale", "i8"}, {"y"});
  graph.output("y");
  const Model model = read_onnx(graph.write(), {}).value();
  REQUIRE(model.ops.size() == 3);
  CHECK(model.ops[1].output == Shape{4, 6, 6});
  CHECK(model.ops[1].flops == 2.0 * 4 * 36 * 27);
  CHECK(model.ops[1].weight_elements == 4 * 27);
  const auto read = read_onnx_graph(model).value();
  CHECK(read.tensors[static_cast<std::size_t>(read.nodes[0].outputs[0])].type == ElementType::i8);
}

TEST_CASE("outputs of a split are operations of their own", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {"N", 9});
  graph.integers("parts", {2, 7});
  set_int(graph.node("Split", {"x", "parts"}, {"a", "b"}), "axis", 1);
  graph.node("Relu", {"b"}, {"y"});
  graph.output("y");
  const Model model = read_onnx(graph.write(), {}).value();
  REQUIRE(model.ops.size() == 4);
  CHECK(model.ops[1].output == Shape{2});
  CHECK(model.ops[2].output == Shape{7});
  CHECK(model.ops[3].inputs == std::vector<std::string>{"b"});
  CHECK(work_of(model, model.ops[2]).input_elements == 7);
}

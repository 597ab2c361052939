// What each kind of operation is in an exported file. That runtimes compute the same from it is
// tests/onnx.
#include <algorithm>

#include "tests/workload/onnx/exported_graph.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("a fully connected layer is a Gemm with our weight as it is", "[onnx]") {
  const Model model = build_zoo_model("mlp@width=8,depth=1").value();
  const Graph graph(model);
  CHECK(graph.types() == Types{"Gemm", "Relu"});
  CHECK(graph.node("fc1/Gemm").input(0) == "features");
  CHECK(graph.dims("fc1.weight") == Shape{8, 8});
  CHECK(graph.values<float>("fc1.weight") == weight(model, "fc1", WeightRole::matrix, 64));
  CHECK(graph.values<float>("fc1.bias") == weight(model, "fc1", WeightRole::bias, 8));
  CHECK(graph.node("fc1/Relu").output(0) == "fc1");
}

TEST_CASE("a product over rows is MatMul and Add, the residual where the epilogue has it",
          "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.input("x", InputKind::values, {4, 8});
  b.matmul("before", x, 8, {.bias = true, .activation = Activation::silu, .residual = x});
  b.matmul("after", "before", 8,
           {.activation = Activation::relu6, .residual = x, .residual_after_activation = true});
  const Graph graph(finished(b));
  CHECK(graph.types() == Types{"MatMul", "Add", "Add", "Sigmoid", "Mul", "MatMul", "Clip", "Add"});
  CHECK(graph.node("before/Add_1").input(1) == "x");
  CHECK(graph.node("after/Add").input(0) == "after/Clip");
  CHECK(graph.node("after/Add").input(1) == "x");
  CHECK(graph.values<float>(graph.node("after/Clip").input(1)) == std::vector<float>{0});
  CHECK(graph.values<float>(graph.node("after/Clip").input(2)) == std::vector<float>{6});
}

TEST_CASE("a convolution has channels first, its window, groups and dilation", "[onnx]") {
  ModelBuilder b("m", "");
  const Name image = b.input("image", InputKind::values, {9, 7, 4});
  b.conv("conv", image, {.channels = 6, .kernel = 3, .groups = 2});
  b.op().window = {.kernel_h = 3,
                   .kernel_w = 2,
                   .stride_h = 1,
                   .stride_w = 2,
                   .pad_top = 1,
                   .pad_left = 2,
                   .pad_bottom = 3,
                   .pad_right = 0,
                   .dilation_h = 2,
                   .dilation_w = 3};
  const Model model = finished(b);
  const Graph graph(model);
  CHECK(graph.types() == Types{"Conv"});
  CHECK(graph.integers("conv/Conv", "kernel_shape") == Shape{3, 2});
  CHECK(graph.integers("conv/Conv", "strides") == Shape{1, 2});
  CHECK(graph.integers("conv/Conv", "pads") == Shape{1, 2, 3, 0});
  CHECK(graph.integers("conv/Conv", "dilations") == Shape{2, 3});
  CHECK(graph.integers("conv/Conv", "group") == Shape{2});
  CHECK(shape_of(graph.graph().input(0)) == "batch,4,9,7");
  CHECK(shape_of(graph.graph().output(0)) == "batch,6,9,3");
  CHECK(graph.interface.inputs[0].permutation == Shape{2, 0, 1});
  CHECK(graph.interface.outputs[0].permutation == Shape{2, 0, 1});

  CHECK(graph.dims("conv.weight") == Shape{6, 2, 3, 2});
  const auto ours = weight(model, "conv", WeightRole::matrix, 6 * 2 * 3 * 2);
  const auto theirs = graph.values<float>("conv.weight");
  // Channel 4 (the second of group 1), input channel 1, row 2, column 0.
  CHECK(theirs[((4 * 2 + 1) * 3 + 2) * 2 + 0] == ours[(((1 * 3 + 2) * 2 + 0) * 2 + 1) * 3 + 1]);
}

TEST_CASE("pools say whether they count the padding", "[onnx]") {
  ModelBuilder b("m", "");
  Name x = b.input("image", InputKind::values, {9, 9, 4});
  x = b.max_pool("max", x, 3, 2, 1);
  x = b.max_pool("average", x, 2, 1, 1);
  b.op().kind = OpKind::average_pool;
  b.op().count_include_pad = true;
  b.plain(OpKind::global_average_pool, "pool", {x});
  const Graph graph(finished(b));
  CHECK(graph.types() == Types{"MaxPool", "AveragePool", "GlobalAveragePool", "Flatten"});
  CHECK(graph.integers("max/MaxPool", "pads") == Shape{1, 1, 1, 1});
  CHECK(graph.integers("max/MaxPool", "strides") == Shape{2, 2});
  CHECK(graph.integers("average/AveragePool", "count_include_pad") == Shape{1});
  CHECK(shape_of(graph.graph().output(0)) == "batch,4");
}

TEST_CASE("attention is reshaped and transposed into heads as exporters write it", "[onnx]") {
  const Graph graph(small_bert());
  CHECK(graph.integers("layer0.scores/Transpose", "perm") == Shape{0, 2, 1, 3});
  CHECK(graph.integers("layer0.scores/Transpose_1", "perm") == Shape{0, 2, 3, 1});
  CHECK(graph.values<std::int64_t>(graph.node("layer0.scores/Reshape").input(1)) ==
        Shape{0, 5, 12, 64});
  CHECK(graph.values<float>(graph.node("layer0.softmax/Mul").input(1)) ==
        std::vector<float>{0.125F});
  CHECK(graph.integers("layer0.context/Transpose_1", "perm") == Shape{0, 2, 1, 3});
  CHECK(graph.values<std::int64_t>(graph.node("layer0.context/Reshape_1").input(1)) ==
        Shape{0, 5, 768});
  CHECK(graph.number("layer0.output_norm/LayerNormalization", "epsilon") == 1e-12F);
}

TEST_CASE("an embedding gathers tokens and adds the rows that each position has", "[onnx]") {
  ModelBuilder b("m", "");
  const Name tokens = b.input("tokens", InputKind::token_ids, {5}, 11);
  b.plain(OpKind::embedding, "embedding", {tokens});
  b.op().columns = 3;
  b.op().tables = {2, 8};
  const Model model = finished(b);
  const Graph graph(model);
  CHECK(graph.types() == Types{"Gather", "Add", "Add"});
  CHECK(graph.graph().input(0).type().tensor_type().elem_type() == ::onnx::TensorProto::INT64);
  CHECK(graph.dims("embedding.weight") == Shape{11, 3});
  const auto table = weight(model, "embedding", WeightRole::table, (11 + 2 + 8) * 3);
  const auto types = graph.values<float>("embedding.table1");
  REQUIRE(types.size() == 15);
  CHECK(types[3 * 3] == table[(11 + 1) * 3]);    // position 3: row 1 of 2
  CHECK(types[4 * 3 + 2] == table[11 * 3 + 2]);  // position 4: row 0 again
  CHECK(graph.values<float>("embedding.table2")[4 * 3] == table[(11 + 2 + 4) * 3]);
}

TEST_CASE("GELU and RMS norm are the subgraphs that runtimes look for", "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.input("x", InputKind::values, {2, 8});
  b.plain(OpKind::rms_norm, "norm", {x});
  b.plain(OpKind::activation, "gelu", {"norm"});
  b.op().activation = Activation::gelu;
  const Graph graph(finished(b));
  CHECK(graph.types() == Types{"Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul",  // norm
                               "Pow", "Mul", "Add", "Mul", "Tanh", "Add", "Mul", "Mul"});
  CHECK(graph.integers("norm/ReduceMean", "axes") == Shape{-1});
  CHECK(graph.node("norm/Div").input(0) == "x");
}

TEST_CASE("the exact GELU is the subgraph with Erf, in an epilogue and alone", "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.input("x", InputKind::values, {2, 8});
  b.matmul("product", x, 4, {.activation = Activation::gelu_erf});
  b.plain(OpKind::activation, "gelu", {"product"});
  b.op().activation = Activation::gelu_erf;
  const Graph graph(finished(b));
  CHECK(graph.types() == Types{"MatMul", "Div", "Erf", "Add", "Mul", "Mul",  // product
                               "Div", "Erf", "Add", "Mul", "Mul"});
}

TEST_CASE("a channel shuffle stays channels first, two halves are one Split", "[onnx]") {
  const Graph graph(build_zoo_model("shufflenet-v2").value());
  const std::string prefix = "stage2.1.";
  const ::onnx::NodeProto& split = graph.node(prefix + "left/Split");
  CHECK(split.output(0) == prefix + "left");
  CHECK(split.output(1) == prefix + "right");
  CHECK(graph.integers(prefix + "left/Split", "axis") == Shape{1});
  CHECK(graph.values<std::int64_t>(split.input(1)) == Shape{58, 58});
  CHECK(graph.integers(prefix + "concat/Concat", "axis") == Shape{1});
  CHECK(graph.integers(prefix + "transpose/Transpose", "perm") == Shape{0, 2, 1, 3, 4});
  CHECK(graph.values<std::int64_t>(graph.node(prefix + "shuffle/Reshape").input(1)) ==
        Shape{0, 116, 28, 28});
  const std::vector<std::string> types = graph.types();
  CHECK(std::count(types.begin(), types.end(), "Transpose") == 16);  // one a unit
}

TEST_CASE("the product behind a flattened image has its rows permuted, not the image", "[onnx]") {
  ModelBuilder b("m", "");
  Name x = b.input("image", InputKind::values, {4, 4, 3});
  x = b.max_pool("pool", x, 2, 2);
  b.plain(OpKind::reshape, "flatten", {x});
  b.op().output = {12};
  b.matmul("fc", "flatten", 5, biased());
  const Model model = finished(b);
  const Graph graph(model);
  CHECK(graph.types() == Types{"MaxPool", "Flatten", "Gemm"});
  const auto ours = weight(model, "fc", WeightRole::matrix, 60);
  const auto theirs = graph.values<float>("fc.weight");
  // Channel 2, row 1, column 0.
  CHECK(theirs[(2 * 4 + 1 * 2 + 0) * 5 + 3] == ours[((1 * 2 + 0) * 3 + 2) * 5 + 3]);
}

TEST_CASE("an image that something else reads as rows is transposed once", "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.conv("conv", b.input("image", InputKind::values, {4, 4, 3}), {.channels = 8});
  b.plain(OpKind::layer_norm, "norm", {x});
  b.matmul("mix", "norm", 8, {.bias = true, .residual = x});
  b.conv("last", "mix", {.channels = 2});
  const Graph graph(finished(b));
  CHECK(graph.types() == Types{"Conv", "Transpose", "LayerNormalization", "MatMul", "Add", "Add",
                               "Transpose", "Conv"});
  CHECK(graph.integers("norm/Transpose", "perm") == Shape{0, 2, 3, 1});
  CHECK(graph.node("mix/Add_1").input(1) == "norm/Transpose");
  CHECK(graph.integers("last/Transpose", "perm") == Shape{0, 3, 1, 2});
}

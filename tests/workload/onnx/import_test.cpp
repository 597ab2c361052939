// Models from graphs: counts, inputs, what is not read, and models stored and read again.
#include "tests/support/catch.h"
#include "tests/support/onnx_graph.h"
#include "tuner/workload/memory_plan.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/work.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// A small network: convolution, batch norm, pooling, a product.
OnnxGraph network(const OnnxSize& batch = "N") {
  OnnxGraph graph;
  graph.input("image", {batch, 3, 8, 8});
  graph.weights("filters", {4, 3, 3, 3});
  graph.weights("bias", {4});
  set_ints(graph.node("Conv", {"image", "filters", "bias"}, {"conv"}), "pads", {1, 1, 1, 1});
  for (const char* name : {"gain", "shift", "mean", "variance"}) graph.weights(name, {4});
  graph.node("BatchNormalization", {"conv", "gain", "shift", "mean", "variance"}, {"norm"});
  graph.node("Relu", {"norm"}, {"relu"});
  graph.node("GlobalAveragePool", {"relu"}, {"pool"});
  graph.node("Flatten", {"pool"}, {"flat"});
  graph.weights("matrix", {4, 10});
  graph.weights("offset", {10});
  graph.node("Gemm", {"flat", "matrix", "offset"}, {"scores"});
  graph.output("scores", {batch, 10});
  return graph;
}

Model read(const OnnxGraph& graph, const OnnxOptions& options = {}) {
  auto model = read_onnx(graph.write(), options);
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  return *model;
}

const Op& op_of(const Model& model, const std::string& name) {
  REQUIRE(find_op(model, name) >= 0);
  return model.ops[static_cast<std::size_t>(find_op(model, name))];
}

}  // namespace

TEST_CASE("an imported network has the counts of its layers", "[onnx]") {
  const Model model = read(network());
  const ModelSummary summary = summarise(model);
  CHECK(summary.parameters ==
        4 * 27 + 4 + 2 * 4 + 4 * 10 + 10);  // mean and variance are not trained
  CHECK(summary.dense_parameters == 4 * 27 + 4 * 10);
  CHECK(summary.dense_flops_per_sample == 2.0 * 64 * 4 * 27 + 2.0 * 40);
  CHECK(summary.flops_per_sample == summary.dense_flops_per_sample + 3 * 256);
  CHECK(weight_bytes(model, DType::f32) == 4 * (4 * 27 + 4 + 16 + 40 + 10));
  CHECK(model.output == "scores");
  CHECK(op_of(model, "conv").operation == "Conv");
  CHECK(op_of(model, "flat").kind == OpKind::reshape);
  CHECK(model.description.find("opset 17") != std::string::npos);
  CHECK(model.description.find("image f32 [N, 3, 8, 8]") != std::string::npos);
  CHECK(model.description.find("scores f32 [N, 10]") != std::string::npos);
}

TEST_CASE("a batch fixed at 1 gives the same model as a free one", "[onnx]") {
  const Model fixed = read(network(1)), free = read(network());
  CHECK(fixed.ops == free.ops);
  CHECK(model_hash(fixed) != model_hash(free));  // of another file
}

TEST_CASE("an imported model is stored and read again as it was", "[onnx]") {
  const Model model = read(network());
  REQUIRE(model.file);
  CHECK(model.file->path == onnx_folder() / "model.onnx");
  const auto again = parse_model(write_model(model), "again.json");
  INFO((again ? "" : to_string(again.error())));
  REQUIRE(again);
  CHECK(*again == model);
  CHECK(model_hash(*again) == model_hash(model));
}

TEST_CASE("other weights are another model", "[onnx]") {
  OnnxGraph graph = network();
  const std::string first = model_hash(read(graph));
  CHECK(model_hash(read(graph)) == first);
  (*graph.graph().mutable_initializer(0)->mutable_raw_data())[5] ^= 1;
  CHECK(model_hash(read(graph)) != first);
}

TEST_CASE("weights may be constants, made by a node, typed or moved", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {"N", 6});
  auto& constant = graph.node("Constant", {}, {"a"});
  auto& value = attribute(constant, "value");
  value.set_type(::onnx::AttributeProto::TENSOR);
  value.mutable_t()->set_data_type(OnnxGraph::kFloat);
  for (const std::int64_t size : {6, 5}) value.mutable_t()->add_dims(size);
  for (int i = 0; i < 30; ++i) value.mutable_t()->add_float_data(1);
  graph.node("MatMul", {"x", "a"}, {"first"});
  graph.integers("sizes", {4, 5});
  graph.node("ConstantOfShape", {"sizes"}, {"b"});
  graph.node("Transpose", {"b"}, {"b_turned"});
  graph.node("MatMul", {"first", "b_turned"}, {"second"});
  graph.node("MatMul", {"first", "b_turned"}, {"third"});  // the same weights again
  graph.node("Add", {"second", "third"}, {"y"});
  graph.output("y");
  const Model model = read(graph);
  CHECK(model.ops.size() == 5);
  CHECK(summarise(model).parameters == 30 + 20);
}

TEST_CASE("ids stay below the rows of the table that they pick from", "[onnx]") {
  OnnxGraph graph;
  graph.input("ids", {"N", 7}, OnnxGraph::kInt64);
  graph.input("mask", {"N", 7}, OnnxGraph::kInt64);
  graph.weights("table", {50, 8});
  auto& cast = graph.node("Cast", {"ids"}, {"ids32"});
  set_int(cast, "to", ::onnx::TensorProto::INT32);
  graph.node("Gather", {"table", "ids32"}, {"rows"});
  graph.node("Transpose", {"table"}, {"columns"});
  graph.node("MatMul", {"rows", "columns"}, {"y"});
  graph.node("Cast", {"mask"}, {"unused"});
  graph.output("y");
  const Model model = read(graph);
  CHECK(op_of(model, "ids").input_kind == InputKind::token_ids);
  CHECK(op_of(model, "ids").vocabulary == 50);
  CHECK(op_of(model, "mask").vocabulary == 2);
  // The table counts once, where it is multiplied by.
  CHECK(op_of(model, "rows").weight_elements == 0);
  CHECK(op_of(model, "y").weight_elements == 400);
}

TEST_CASE("what runtimes compute in passing moves nothing through memory", "[onnx]") {
  const Model model = read(network());
  CHECK_FALSE(op_of(model, "conv").fused);
  CHECK(op_of(model, "norm").fused);
  CHECK(op_of(model, "relu").fused);
  CHECK_FALSE(op_of(model, "pool").fused);
  CHECK(work_of(model, op_of(model, "relu")).output_elements == 0);
  const MemoryPlan plan = plan_memory(model, 2, DType::f32);
  const auto place = [&](const char* name) {
    return plan.offset[static_cast<std::size_t>(find_op(model, name))];
  };
  CHECK(place("conv") == place("relu"));
  CHECK(plan.arena_bytes == 2 * 4 * (3 * 64 + 4 * 64) + 64);  // 64: the pool, a line
}

TEST_CASE("an activation whose input is read elsewhere is not fused", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {"N", 6});
  graph.weights("w", {6, 6});
  graph.weights("b", {6});
  graph.node("MatMul", {"x", "w"}, {"product"});
  graph.node("Add", {"b", "product"}, {"biased"});
  graph.node("Relu", {"biased"}, {"relu"});
  graph.node("Add", {"relu", "biased"}, {"sum"});
  graph.node("Sigmoid", {"sum"}, {"y"});
  graph.output("y");
  const Model model = read(graph);
  CHECK(op_of(model, "biased").fused);
  for (const char* name : {"product", "relu", "sum", "y"}) CHECK_FALSE(op_of(model, name).fused);
}

TEST_CASE("unknown operations are named with their number, and the rest is counted", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {"N", 6});
  graph.weights("w", {6, 5});
  graph.node("MatMul", {"x", "w"}, {"a"});
  graph.node("Foo", {"a"}, {"b"});
  graph.node("Foo", {"b"}, {"c"}).set_domain("com.example");
  graph.node("Foo", {"c"}, {"d"}).set_domain("com.example");
  graph.node("Relu", {"d"}, {"e"});
  graph.weights("u", {7, 3});
  graph.value("e", {"N", 7});  // the file says the shape, so the counts go on from here
  graph.node("MatMul", {"e", "u"}, {"y"});
  graph.output("y");
  const Model model = read(graph);
  CHECK(model.description.find("not read: 1 x Foo, 2 x com.example.Foo, 1 of unknown shape") !=
        std::string::npos);
  CHECK(summarise(model).dense_flops_per_sample == 2.0 * 30 + 2.0 * 21);
  CHECK(model.ops.size() == 7);
}

TEST_CASE("a file without operations of its own kind needs no domain", "[onnx]") {
  OnnxGraph graph = network();
  for (auto& node : *graph.graph().mutable_node()) node.set_domain("ai.onnx");
  CHECK(summarise(read(graph)).flops_per_sample == summarise(read(network())).flops_per_sample);
}

TEST_CASE("an opset that is newer than everything is read", "[onnx]") {
  OnnxGraph graph = network();
  graph.model.mutable_opset_import(0)->set_version(99);
  graph.model.set_ir_version(77);
  CHECK(read(graph).ops.size() == 7);
}

TEST_CASE("what the inputs have no part in is no operation", "[onnx]") {
  OnnxGraph graph;
  graph.input("x", {"N", 4});
  graph.integers("sizes", {4});
  graph.node("ConstantOfShape", {"sizes"}, {"zeros"});
  graph.node("Exp", {"zeros"}, {"ones"});
  graph.node("Add", {"x", "ones"}, {"y"});
  graph.output("ones");
  graph.output("y");
  const Model model = read(graph);
  CHECK(model.ops.size() == 2);
  CHECK(model.output == "y");
}

TEST_CASE("onnx operations are listed with the opset that brought them", "[onnx]") {
  const auto all = onnx_operations();
  CHECK(all.size() > 100);
  const auto has = [&](const std::string& name, int since, const std::string& counted) {
    for (const OnnxOperation& one : all)
      if (one.name == name) return one.since == since && one.counted == counted;
    return false;
  };
  CHECK(has("Conv", 1, "2 FLOP per multiply-add"));
  CHECK(has("LayerNormalization", 17, "1 FLOP per element"));
  CHECK(has("Reshape", 1, "moves nothing"));
}

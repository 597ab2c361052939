// What a runtime gets: the file as it is, or with its batch freed. That runtimes take it is
// tests/onnx.
#include "tests/support/catch.h"
#include "tests/support/onnx_graph.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/embed.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

struct Freed {
  OnnxForRuntime runtime;
  ::onnx::ModelProto proto;

  Shape initializer(const std::string& name) const {
    for (const auto& tensor : proto.graph().initializer())
      if (tensor.name() == name) return {tensor.int64_data().begin(), tensor.int64_data().end()};
    FAIL("no initializer " << name);
    return {};
  }
  const ::onnx::NodeProto& node_of(const std::string& output) const {
    for (const auto& node : proto.graph().node())
      if (node.output(0) == output) return node;
    FAIL("no node writes " << output);
    return proto.graph().node(0);
  }
};

Freed freed(const OnnxGraph& graph) {
  auto model = read_onnx(graph.write(), {});
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  auto runtime = onnx_for_runtime(*model, 1);
  INFO((runtime ? "" : to_string(runtime.error())));
  REQUIRE(runtime);
  REQUIRE(runtime->path.empty());
  Freed out{*runtime, {}};
  REQUIRE(out.proto.ParseFromString(runtime->bytes));
  return out;
}

Error refused(const OnnxGraph& graph) {
  const auto model = read_onnx(graph.write(), {});
  REQUIRE_FALSE(model);
  return model.error();
}

OnnxGraph reshaping(const Shape& input, const std::vector<std::int64_t>& target) {
  OnnxGraph graph;
  graph.input("x", fixed_sizes(input));
  graph.integers("target", target);
  graph.node("Reshape", {"x", "target"}, {"y"});
  graph.value("x", fixed_sizes(input));
  graph.output("y");
  return graph;
}

Shape freed_target(const Shape& input, const std::vector<std::int64_t>& target) {
  const Freed out = freed(reshaping(input, target));
  CHECK(out.proto.graph().value_info().empty());
  CHECK(out.proto.graph().input(0).type().tensor_type().shape().dim(0).dim_param() == "batch");
  return out.initializer(out.node_of("y").input(1));
}

}  // namespace

TEST_CASE("a file with a symbolic batch is loaded as it is", "[onnx][runtime]") {
  OnnxGraph graph;
  graph.input("x", {10, "batch", 6});
  set_ints(graph.node("Transpose", {"x"}, {"y"}), "perm", {1, 0, 2});
  graph.output("y");
  const Model model = read_onnx(graph.write(), {}).value();
  const auto runtime = onnx_for_runtime(model, 1).value();
  CHECK(runtime.path == model.file->path);
  CHECK(runtime.bytes.empty());
  REQUIRE(runtime.inputs.size() == 1);
  CHECK(runtime.inputs[0].name == "x");
  CHECK(runtime.inputs[0].op == "x");
  CHECK(runtime.inputs[0].batch_axis == 1);
  CHECK(runtime.outputs[0].batch_axis == 0);
}

TEST_CASE("a 1 that stands for the batch is freed wherever a reshape has it", "[onnx][runtime]") {
  CHECK(freed_target({1, 8, 5, 5}, {1, 2, 4, 5, 5}) == Shape{-1, 2, 4, 5, 5});
  CHECK(freed_target({1, 8, 5, 5}, {1, -1}) == Shape{-1, 200});
  CHECK(freed_target({1, 12, 6}, {12, 6}) == Shape{-1, 6});  // batch and rows together
  CHECK(freed_target({1, 12, 6}, {1, 1, 12, 6}) == Shape{-1, 1, 12, 6});
}

TEST_CASE("a reshape that follows the batch already stays", "[onnx][runtime]") {
  CHECK(freed_target({1, 8, 5}, {0, 40}) == Shape{0, 40});
  CHECK(freed_target({1, 8, 5}, {-1, 40}) == Shape{-1, 40});
}

TEST_CASE("the target of an old reshape is an attribute", "[onnx][runtime]") {
  OnnxGraph graph(4);
  graph.input("x", {1, 8, 5});
  set_ints(graph.node("Reshape", {"x"}, {"y"}), "shape", {1, 40});
  graph.output("y");
  const auto ints = freed(graph).node_of("y").attribute(0).ints();
  CHECK(Shape(ints.begin(), ints.end()) == Shape{-1, 40});
}

TEST_CASE("sizes of a resize and constants beside the batch get it by nodes", "[onnx][runtime]") {
  OnnxGraph graph;
  graph.input("x", {1, 4, 5, 5});
  graph.integers("sizes", {1, 4, 10, 10});
  graph.node("Resize", {"x", "", "", "sizes"}, {"large"});
  graph.weights("token", {1, 4, 10, 1});
  graph.node("Concat", {"token", "large"}, {"y"});
  set_int(*graph.graph().mutable_node(1), "axis", 3);
  graph.output("y");
  const Freed out = freed(graph);
  CHECK(out.node_of(out.node_of("large").input(3)).op_type() == "Concat");
  CHECK(out.node_of(out.node_of("y").input(0)).op_type() == "Expand");
  CHECK(out.runtime.outputs[0].op == "y");
}

TEST_CASE("where the batch cannot be freed, the node is named", "[onnx][runtime]") {
  OnnxGraph first;  // x[0]
  first.input("x", {1, 8});
  first.integers("zero", {0});
  first.node("Gather", {"x", "zero"}, {"row"});
  first.node("Relu", {"row"}, {"y"});
  first.output("y");
  CHECK(refused(first).where == "model.onnx, node \"node of row\" (Gather)");
  OnnxGraph squeezed;
  squeezed.input("x", {1, 8});
  squeezed.integers("axes", {0});
  squeezed.node("Squeeze", {"x", "axes"}, {"y"});
  squeezed.output("y");
  CHECK(refused(squeezed).where == "model.onnx, node \"node of y\" (Squeeze)");
}

TEST_CASE("external data is loaded from the model's folder", "[onnx][runtime]") {
  OnnxGraph graph;
  graph.input("x", {1, 8});
  auto& tensor = graph.weights("w", {8, 2});
  const std::string weights = tensor.raw_data();
  std::ofstream(onnx_folder() / "weights.bin", std::ios::binary) << "pad!" << weights;
  tensor.clear_raw_data();
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair{"location", "weights.bin"}, {"offset", "4"}, {"length", "64"}}) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  graph.node("MatMul", {"x", "w"}, {"y"});
  graph.output("y");
  const OnnxForRuntime beside = freed(graph).runtime;
  CHECK(beside.external_data == onnx_folder());
  const auto whole = embed_external_data(beside.bytes, beside.external_data);
  REQUIRE(whole);
  ::onnx::ModelProto embedded;
  REQUIRE(embedded.ParseFromString(*whole));
  CHECK(embedded.graph().initializer(0).external_data_size() == 0);
  CHECK(embedded.graph().initializer(0).raw_data() == weights);
  CHECK_FALSE(embed_external_data(beside.bytes, "/nowhere"));
  CHECK_FALSE(embed_external_data("no model", beside.external_data));
  const std::string before = read_onnx(graph.write(), {})->file->digest;
  std::ofstream(onnx_folder() / "weights.bin", std::ios::binary | std::ios::in) << "other";
  CHECK(read_onnx(graph.write(), {})->file->digest != before);
}

TEST_CASE("a file that has gone or changed since is refused", "[onnx][runtime]") {
  OnnxGraph graph = reshaping({1, 8, 5}, {1, 40});
  const Model model =
      parse_model(write_model(read_onnx(graph.write(), {}).value()), "stored").value();
  REQUIRE(onnx_for_runtime(model, 1));
  graph.model.set_producer_name("somebody else");
  graph.write();
  CHECK(onnx_for_runtime(model, 1).error().found.find("another content") == 0);
  std::filesystem::remove(model.file->path);
  CHECK(onnx_for_runtime(model, 1).error().found == "no such file");
}

TEST_CASE("a model of the zoo is exported for the runtime", "[onnx][runtime]") {
  const auto runtime = onnx_for_runtime(build_zoo_model("mlp@depth=1,width=8").value(), 1);
  REQUIRE(runtime);
  CHECK_FALSE(runtime->bytes.empty());
  CHECK(runtime->inputs.size() == 1);
}

// Which dimension is the batch, what the others are, and what cannot be told.
#include "tests/support/catch.h"
#include "tests/support/onnx_graph.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/onnx.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

OnnxGraph relu_of(const OnnxSizes& sizes) {
  OnnxGraph graph;
  graph.input("x", sizes);
  graph.node("Relu", {"x"}, {"y"});
  graph.output("y");
  return graph;
}

Model read(const OnnxGraph& graph, const OnnxOptions& options = {}) {
  auto model = read_onnx(graph.write(), options);
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  return *model;
}

Error error_of(const OnnxGraph& graph, const OnnxOptions& options = {}) {
  const auto model = read_onnx(graph.write(), options);
  REQUIRE_FALSE(model);
  return model.error();
}

}  // namespace

TEST_CASE("a symbolic first dimension is the batch, whatever it is called", "[onnx][batch]") {
  for (const char* name : {"batch_size", "N", "anything", ""}) {
    INFO(name);
    CHECK(read(relu_of({name, 4, 6})).ops.back().output == Shape{4, 6});
  }
}

TEST_CASE("a first dimension of 1 is the batch where none is symbolic", "[onnx][batch]") {
  const Model model = read(relu_of({1, 4, 6}));
  CHECK(model.ops.back().output == Shape{4, 6});
  CHECK(model.description.find("fixed at 1 and freed") != std::string::npos);
}

TEST_CASE("a batch that is not first is found by its name", "[onnx][batch]") {
  CHECK(read(relu_of({10, "batch", 6})).ops.back().output == Shape{10, 6});
  CHECK(read(relu_of({"seq", "b", 6}), {{{"seq", 3}}, "b"}).ops.back().output == Shape{3, 6});
}

TEST_CASE("other symbolic dimensions need a size, and the error says how to give it",
          "[onnx][batch]") {
  const Error error = error_of(relu_of({"N", "seq", 6}));
  CHECK(error.found == "none for seq");
  CHECK(error.todo == "Give it with the model's name: model.onnx@seq=128");
  const Model model = read(relu_of({"N", "seq", 6}), {{{"seq", 9}}, ""});
  CHECK(model.ops.back().output == Shape{9, 6});
  CHECK(model.dims == std::map<std::string, std::int64_t>{{"seq", 9}});
  CHECK(model.name == "model@seq=9");
}

TEST_CASE("dimensions without a name are called by their place", "[onnx][batch]") {
  CHECK(error_of(relu_of({"", "", 6})).found == "none for x.1");
  CHECK(read(relu_of({"", "", 6}), {{{"x.1", 5}}, ""}).ops.back().output == Shape{5, 6});
}

TEST_CASE("a name that is no dimension is refused with the nearest one", "[onnx][batch]") {
  CHECK(error_of(relu_of({"N", "seq"}), {{{"sec", 9}}, ""}).todo.find("seq") != std::string::npos);
  CHECK(error_of(relu_of({"N", "seq"}), {{{"seq", 0}}, ""}).found == "0");
  CHECK(error_of(relu_of({"N", 4}), {{{"N", 8}}, ""}).wanted.find("batch") != std::string::npos);
  CHECK(error_of(relu_of({"N", 4}), {{}, "M"}).found == "\"M\"");
  CHECK(error_of(relu_of({3, 4})).wanted.find("symbolic, or 1") != std::string::npos);
}

TEST_CASE("several dimensions that could be the batch are an error that names them",
          "[onnx][batch]") {
  OnnxGraph graph = relu_of({"images", 4});
  graph.input("z", {"texts", 4});
  CHECK(error_of(graph).found == "images, texts");
  CHECK(read(graph, {{{"texts", 2}}, "images"}).ops.back().output == Shape{4});
}

TEST_CASE("a path may say dimensions and batch", "[onnx][batch]") {
  const std::string path = relu_of({"seq", "b", 6}).write("odd@name.onnx");
  CHECK(load_model(path + "@seq=7,batch=b")->ops.back().output == Shape{7, 6});
  CHECK(load_model(path + "@seq=7,batch=4").error().wanted.find("batch=NAME") == 0);
  CHECK(load_model(path + "@seq").error().found == "\"seq\"");
  CHECK(load_model(path + "@").error().found == "\"\"");
  CHECK(load_model(path + "@seq=x").error().found == "\"x\"");
  CHECK(is_model_path("model.onnx@seq=128"));
  CHECK_FALSE(is_model_path("bert-large@seq=128"));
}

TEST_CASE("shapes that are computed from shapes follow the batch", "[onnx][batch]") {
  OnnxGraph graph;  // what torch writes for x.view(x.size(0), -1, 3)
  graph.input("x", {"N", 4, 6});
  graph.node("Shape", {"x"}, {"shape"});
  graph.integers("first", {0});
  graph.integers("axes", {0});
  graph.integers("rest", {-1, 3});
  graph.node("Gather", {"shape", "first"}, {"n"});
  graph.node("Concat", {"n", "rest"}, {"target"});
  set_int(*graph.graph().mutable_node(2), "axis", 0);
  graph.node("Reshape", {"x", "target"}, {"y"});
  graph.output("y");
  const Model model = read(graph);
  CHECK(model.ops.size() == 2);  // what makes shapes is no operation
  CHECK(model.ops.back().kind == OpKind::reshape);
  CHECK(model.ops.back().output == Shape{8, 3});
}

TEST_CASE("a batch that is a part of a dimension leaves its share", "[onnx][batch]") {
  OnnxGraph graph;
  graph.input("x", {"N", 4, 6});
  graph.integers("target", {-1, 6});
  graph.node("Reshape", {"x", "target"}, {"rows"});
  graph.weights("w", {6, 5});
  graph.node("MatMul", {"rows", "w"}, {"y"});
  graph.output("y");
  const Model model = read(graph);
  CHECK(model.ops.back().output == Shape{4, 5});
  CHECK(model.ops.back().flops == 2.0 * 4 * 6 * 5);
}

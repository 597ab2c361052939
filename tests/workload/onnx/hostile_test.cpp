// Files that are broken or mean harm: an error with the place, never a crash.
#include "tests/support/catch.h"
#include "tests/support/onnx_graph.h"
#include "tuner/workload/onnx/onnx.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

OnnxGraph product() {
  OnnxGraph graph;
  graph.input("x", {"N", 8});
  graph.weights("w", {8, 2});
  graph.node("MatMul", {"x", "w"}, {"y"});
  graph.output("y");
  return graph;
}

Error error_of(const OnnxGraph& graph) {
  const auto model = read_onnx(graph.write(), {});
  REQUIRE_FALSE(model);
  return model.error();
}

Error error_of_bytes(const std::string& bytes) {
  const std::string path = onnx_folder() / "bytes.onnx";
  std::ofstream(path, std::ios::binary) << bytes;
  const auto model = read_onnx(path, {});
  REQUIRE_FALSE(model);
  return model.error();
}

void external(::onnx::TensorProto& tensor, const std::string& location,
              const std::string& offset = "", const std::string& length = "") {
  tensor.clear_raw_data();
  tensor.clear_external_data();
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair{"location", location}, {"offset", offset}, {"length", length}}) {
    if (value.empty()) continue;
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
}

}  // namespace

TEST_CASE("what is no model is refused", "[onnx][hostile]") {
  for (const std::string& bytes :
       {std::string(), std::string("not a model"), std::string(1000, '\xff'), std::string("{}")})
    CHECK(error_of_bytes(bytes).wanted.find("an ONNX model") == 0);
  const std::string whole = product().bytes();
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{3}})
    CHECK_FALSE(error_of_bytes(whole.substr(0, size)).wanted.empty());
  CHECK(read_onnx("/nowhere/model.onnx").error().found == "no such file");
  CHECK(read_onnx(onnx_folder(), {}).error().found == "something that is no file");
  const std::string path = onnx_folder() / "large.onnx";
  std::ofstream(path) << "x";
  std::filesystem::resize_file(path, std::uintmax_t{3} << 30);  // sparse
  CHECK(read_onnx(path).error().wanted == "an ONNX file of less than 2 GiB");
}

TEST_CASE("graphs without an order are refused with the node", "[onnx][hostile]") {
  OnnxGraph graph;
  graph.input("x", {"N", 8});
  graph.node("Add", {"x", "b"}, {"a"});
  graph.node("Relu", {"a"}, {"b"});
  graph.output("b");
  CHECK(error_of(graph).where == "model.onnx, node \"node of a\" (Add)");
  CHECK(error_of(graph).found.find("a cycle") != std::string::npos);
  OnnxGraph missing = product();
  missing.graph().mutable_node(0)->set_input(1, "nothing");
  CHECK(error_of(missing).found.find("nowhere") != std::string::npos);
  OnnxGraph twice = product();
  twice.node("Relu", {"x"}, {"y"});
  CHECK(error_of(twice).found == "\"y\" again");
  OnnxGraph unwritten = product();
  unwritten.output("z");
  CHECK(error_of(unwritten).found == "\"z\"");
  OnnxGraph itself = product();
  itself.node("Relu", {"z"}, {"z"});
  CHECK(error_of(itself).where.find("node of z") != std::string::npos);
}

TEST_CASE("claims without the bytes for them are refused with the tensor", "[onnx][hostile]") {
  for (const int type : {OnnxGraph::kFloat, OnnxGraph::kInt64, int(::onnx::TensorProto::FLOAT16)}) {
    OnnxGraph graph = product();
    auto& tensor = *graph.graph().mutable_initializer(0);
    tensor.clear_raw_data();
    tensor.set_data_type(type);
    tensor.set_dims(0, std::int64_t{1} << 30);  // GiB in a file of some hundred bytes
    const Error error = error_of(graph);
    CHECK(error.where == "model.onnx, tensor \"w\"");
    CHECK(error.found == "0");
  }
  OnnxGraph negative = product();
  negative.graph().mutable_initializer(0)->set_dims(1, -2);
  CHECK(error_of(negative).found == "-2");
  OnnxGraph overflowing = product();
  for (int i = 0; i < 4; ++i) overflowing.graph().mutable_initializer(0)->add_dims(INT64_MAX);
  CHECK(error_of(overflowing).where == "model.onnx, tensor \"w\"");
}

TEST_CASE("weights that are too large to be held are checked as small ones are",
          "[onnx][hostile]") {
  OnnxGraph graph;
  graph.input("x", {"N", 100});
  graph.weights("w", {100, 100});  // 40 KB
  auto& typed = *graph.graph().add_initializer();
  typed.set_name("v");
  typed.set_data_type(OnnxGraph::kFloat);
  for (const std::int64_t size : {100, 60}) typed.add_dims(size);
  for (int i = 0; i < 6000; ++i) typed.add_float_data(1);
  graph.node("MatMul", {"x", "w"}, {"h"});
  graph.node("MatMul", {"h", "v"}, {"y"});
  graph.output("y");
  const Model model = read_onnx(graph.write(), {}).value();
  CHECK(model.ops[1].weight_elements == 10000);
  CHECK(model.ops[2].weight_elements == 6000);
  const std::string whole = graph.bytes();
  for (std::size_t i = 0; i < 300; ++i) {
    CHECK_FALSE(error_of_bytes(whole.substr(0, i)).wanted.empty());
    CHECK_FALSE(error_of_bytes(whole.substr(0, whole.size() - 1 - i * 200)).wanted.empty());
  }
  graph.graph().mutable_initializer(0)->set_dims(0, std::int64_t{1} << 30);
  CHECK(error_of(graph).found == "40000 bytes");
  graph.graph().mutable_initializer(0)->set_dims(0, 100);
  graph.graph().mutable_initializer(1)->set_dims(0, 99);
  CHECK(error_of(graph).where == "model.onnx, tensor \"v\"");
}

TEST_CASE("shapes that overflow are refused with the node or tensor", "[onnx][hostile]") {
  OnnxGraph input = product();
  input.graph()
      .mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(1)
      ->set_dim_value(INT64_MAX);
  CHECK(error_of(input).where == "model.onnx, tensor \"x\"");
  for (const auto& sizes :
       {std::vector<std::int64_t>{INT64_MAX, INT64_MAX}, {1LL << 40, 1LL << 40}, {-5}}) {
    OnnxGraph graph = product();
    graph.integers("sizes", sizes);
    graph.node("ConstantOfShape", {"sizes"}, {"huge"});
    CHECK(error_of(graph).where == "model.onnx, node \"node of huge\" (ConstantOfShape)");
  }
  OnnxGraph tiled = product();
  tiled.integers("repeats", {1, INT64_MAX});
  tiled.node("Tile", {"y", "repeats"}, {"z"});
  CHECK(error_of(tiled).where == "model.onnx, node \"node of z\" (Tile)");
  OnnxGraph reshaped = product();
  reshaped.integers("target", {INT64_MAX, INT64_MAX, -1});
  reshaped.node("Reshape", {"y", "target"}, {"z"});
  CHECK(error_of(reshaped).where == "model.onnx, node \"node of z\" (Reshape)");
}

TEST_CASE("external data outside the model's folder is refused", "[onnx][hostile]") {
  namespace fs = std::filesystem;
  const fs::path outside = onnx_folder().string() + ".outside";
  std::ofstream(outside) << std::string(64, 'x');
  std::ofstream(onnx_folder() / "inside.bin") << std::string(64, 'x');
  std::error_code ignored;
  fs::create_symlink(outside, onnx_folder() / "link.bin", ignored);
  const std::string up = "../" + outside.filename().string();
  for (const std::string& location :
       {up, std::string("sub/") + up, outside.string(), std::string("/etc/passwd"),
        std::string("link.bin"), std::string(), std::string(".")}) {
    INFO(location);
    OnnxGraph graph = product();
    external(*graph.graph().mutable_initializer(0), location);
    const Error error = error_of(graph);
    CHECK(error.where == "model.onnx, tensor \"w\"");
    CHECK(error.wanted.find("of the model's folder") != std::string::npos);
  }
  OnnxGraph graph = product();
  auto& tensor = *graph.graph().mutable_initializer(0);
  external(tensor, "inside.bin");
  CHECK(read_onnx(graph.write(), {}));
  for (const auto& [offset, length] : {std::pair{"1", ""},
                                       {"18446744073709551615", "64"},
                                       {"0", "65"},
                                       {"-1", ""},
                                       {"0", "18446744073709551616"}}) {
    external(tensor, "inside.bin", offset, length);
    CHECK(error_of(graph).where == "model.onnx, tensor \"w\"");
  }
  external(tensor, "missing.bin");
  CHECK(error_of(graph).found.find("missing.bin") != std::string::npos);
  fs::remove(outside);
}

TEST_CASE("a model without tensors in or out is refused", "[onnx][hostile]") {
  OnnxGraph sequence = product();
  sequence.graph().mutable_input(0)->mutable_type()->mutable_sequence_type();
  CHECK(error_of(sequence).where == "model.onnx, input \"x\"");
  OnnxGraph none = product();
  none.graph().clear_output();
  CHECK(error_of(none).wanted == "an output that depends on an input");
  OnnxGraph empty = product();
  empty.graph().clear_node();
  CHECK(error_of(empty).wanted.find("an ONNX model") == 0);
}

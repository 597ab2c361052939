// An exported file as a whole: what it says of itself, its names, its outputs, where its weights
// are.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/workload/onnx/exported_graph.h"
#include "tuner/workload/work.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("bt_export_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a file says its opset, its batch and who made it", "[onnx]") {
  const Graph graph(build_zoo_model("mlp@width=8,depth=2").value());
  CHECK(graph.file().ir_version() == 8);
  REQUIRE(graph.file().opset_import_size() == 1);
  CHECK(graph.file().opset_import(0).version() == 17);
  CHECK(graph.file().opset_import(0).domain().empty());
  CHECK(graph.file().producer_name() == "batchtune");
  CHECK(graph.graph().name() == "mlp@depth=2,width=8");
  REQUIRE(graph.graph().input_size() == 1);
  CHECK(graph.graph().input(0).name() == "features");
  CHECK(shape_of(graph.graph().input(0)) == "batch,8");
  REQUIRE(graph.graph().output_size() == 1);
  CHECK(graph.graph().output(0).name() == "fc2");
  CHECK(shape_of(graph.graph().output(0)) == "batch,8");
}

TEST_CASE("whatever nothing reads is an output too", "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.input("x", InputKind::values, {1, 8});
  b.matmul("key", x, 4, {});
  b.matmul("y", x, 8, {});
  const Graph graph(finished(b));
  REQUIRE(graph.graph().output_size() == 2);
  CHECK(graph.graph().output(0).name() == "y");
  CHECK(graph.graph().output(1).name() == "key");
  CHECK(graph.interface.outputs[1].op == "key");
}

TEST_CASE("an output that is an input or a view of one has a node of its own", "[onnx]") {
  ModelBuilder b("m", "");
  b.input("x", InputKind::values, {1, 8});
  b.plain(OpKind::reshape, "view", {"x"});
  b.op().output = {1, 8};
  Model model = finished(b);
  CHECK(Graph(model).graph().node(0).output(0) == "view");
  model.ops.pop_back();
  model.output = "x";
  const Graph graph(model);
  CHECK(graph.types() == Types{"Identity"});
  CHECK(graph.graph().output(0).name() == graph.interface.outputs[0].name);
}

TEST_CASE("names that the graph makes give way to those of operations", "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.input("y/MatMul", InputKind::values, {2, 8});
  b.matmul("y", x, 8, biased());
  const Graph graph(finished(b));
  CHECK(graph.graph().node(0).input(0) == "y/MatMul");
  CHECK(graph.graph().node(0).output(0) == "y/MatMul_1");
  CHECK(graph.graph().node(1).input(0) == "y/MatMul_1");
}

TEST_CASE("every value of every model of the zoo is made once and before it is read", "[onnx]") {
  std::vector<Model> models = {small_bert()};
  for (const char* name :
       {"resnet-18", "mobilenet-v2", "shufflenet-v2", "squeezenet", "mlp@width=64"})
    models.push_back(build_zoo_model(name).value());
  for (const Model& model : models) {
    INFO(model.name);
    const Graph graph(model);
    std::set<std::string> known;
    for (const auto& input : graph.graph().input()) CHECK(known.insert(input.name()).second);
    for (const auto& tensor : graph.graph().initializer())
      CHECK(known.insert(tensor.name()).second);
    std::set<std::string> nodes;
    for (const auto& node : graph.graph().node()) {
      CHECK(nodes.insert(node.name()).second);
      for (const auto& input : node.input()) CHECK(known.count(input) == 1);
      for (const auto& output : node.output()) CHECK(known.insert(output).second);
    }
  }
}

TEST_CASE("what was exported reads back with the weights and the dense work of the model",
          "[onnx]") {
  const TemporaryFolder folder;
  std::vector<Model> models = {small_bert()};
  for (const char* name :
       {"resnet-18", "mobilenet-v2", "shufflenet-v2", "squeezenet", "mlp@width=64"})
    models.push_back(build_zoo_model(name).value());
  for (const Model& model : models) {
    INFO(model.name);
    REQUIRE(write_onnx(model, 1, folder.path("m.onnx")));
    const auto read = read_onnx(folder.path("m.onnx"), {});
    INFO((read ? "" : to_string(read.error())));
    REQUIRE(read);
    const ModelSummary ours = summarise(model), theirs = summarise(*read);
    CHECK(theirs.dense_flops_per_sample == ours.dense_flops_per_sample);
    CHECK(theirs.dense_parameters == ours.dense_parameters);
  }
}

TEST_CASE("the same seed gives the same bytes, another one other weights", "[onnx]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  const std::string bytes = export_onnx(model, 7)->bytes;
  CHECK(export_onnx(model, 7)->bytes == bytes);
  CHECK(export_onnx(model, 8)->bytes != bytes);
}

TEST_CASE("more weights than one message holds are refused before they are made", "[onnx]") {
  const auto made = export_onnx(build_zoo_model("llama-3.2-1b-decode").value(), 1);
  REQUIRE(!made);
  CHECK(made.error().wanted.find("2 GiB") != std::string::npos);
  CHECK(made.error().todo.find("FILE.onnx") != std::string::npos);
}

TEST_CASE("weights beyond a limit lie in a file beside the model's, on pages of their own",
          "[onnx]") {
  const Model model = build_zoo_model("mlp@width=64,depth=2").value();
  const TemporaryFolder folder;
  const auto made = write_onnx(model, 1, folder.path("m.onnx"), 1000);
  REQUIRE(made);
  CHECK(made->path == folder.path("m.onnx"));
  ::onnx::ModelProto file;
  std::ifstream in(made->path, std::ios::binary);
  REQUIRE(file.ParseFromIstream(&in));
  std::map<std::string, std::string> where;
  const Graph whole(model);
  for (const auto& tensor : file.graph().initializer()) {
    if (tensor.name() == "fc1.bias")  // small ones stay
      CHECK(tensor.raw_data() == whole.tensor("fc1.bias").raw_data());
    if (tensor.name() != "fc2.weight") continue;
    CHECK(tensor.data_location() == ::onnx::TensorProto::EXTERNAL);
    for (const auto& entry : tensor.external_data()) where[entry.key()] = entry.value();
  }
  CHECK(where == std::map<std::string, std::string>{
                     {"location", "m.onnx.data"}, {"offset", "16384"}, {"length", "16384"}});
  std::ifstream data(folder.path("m.onnx.data"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(data), {}};
  CHECK(bytes.substr(16384) == whole.tensor("fc2.weight").raw_data());
}

TEST_CASE("weights that no disk holds are refused before any file is made", "[onnx]") {
  ModelBuilder b("m", "");
  const Name x = b.input("x", InputKind::values, {1 << 20});
  b.matmul("huge", x, 1 << 19, {});
  for (int i = 0; i < 1000; ++i) b.matmul("huge" + std::to_string(i), x, 1 << 19, {});
  const Model model = finished(b);  // 2 PB
  const TemporaryFolder folder;
  const auto made = write_onnx(model, 1, folder.path("m.onnx"));
  REQUIRE(!made);
  CHECK(made.error().kind == ErrorKind::environment);
  CHECK(made.error().wanted.find("free space") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path("")));
}

TEST_CASE("an operation of an imported file is refused by name", "[onnx]") {
  Model model = build_zoo_model("mlp@width=8").value();
  model.ops[2].kind = OpKind::foreign;
  model.ops[2].operation = "ConvTranspose";
  const auto made = export_onnx(model, 1);
  REQUIRE(!made);
  CHECK(made.error().found.find("ConvTranspose") != std::string::npos);
  CHECK(made.error().where.find("fc2") != std::string::npos);
}

TEST_CASE("a file that cannot be written is an error of the environment", "[onnx]") {
  const auto made =
      write_onnx(build_zoo_model("mlp@width=8").value(), 1, "/nonexistent-folder/m.onnx");
  REQUIRE(!made);
  CHECK(made.error().kind == ErrorKind::environment);
  CHECK(made.error().where == "/nonexistent-folder/m.onnx");
}

// What an exported file says, read back with ONNX's own messages. That runtimes compute the same
// from it is tests/onnx.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/support/catch.h"
#include "tuner/workload/onnx/export.h"
#include "tuner/workload/onnx/messages.h"
#include "tuner/workload/weights.h"
#include "tuner/workload/zoo.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;

namespace {

Model finished(ModelBuilder& builder) {
  Model model = builder.finish();
  const Status status = infer_shapes(model);
  INFO((status ? "" : to_string(status.error())));
  REQUIRE(status);
  return model;
}

// An exported graph, with look-ups.
class Graph {
 public:
  explicit Graph(const Model& model) {
    auto made = export_onnx(model, 1);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    interface = *made;
    REQUIRE(file_.ParseFromString(made->bytes));
  }

  const ::onnx::ModelProto& file() const { return file_; }
  const ::onnx::GraphProto& graph() const { return file_.graph(); }

  std::vector<std::string> types() const {
    std::vector<std::string> types;
    for (const auto& node : graph().node()) types.push_back(node.op_type());
    return types;
  }

  const ::onnx::NodeProto& node(const std::string& name) const {
    for (const auto& node : graph().node())
      if (node.name() == name) return node;
    FAIL("no node " << name);
    return graph().node(0);
  }

  std::vector<std::int64_t> integers(const std::string& name, const char* attribute) const {
    for (const auto& each : node(name).attribute())
      if (each.name() == attribute)
        return each.type() == ::onnx::AttributeProto::INT
                   ? std::vector<std::int64_t>{each.i()}
                   : std::vector<std::int64_t>(each.ints().begin(), each.ints().end());
    return {};
  }

  float number(const std::string& name, const char* attribute) const {
    for (const auto& each : node(name).attribute())
      if (each.name() == attribute) return each.f();
    return -1;
  }

  const ::onnx::TensorProto& tensor(const std::string& name) const {
    for (const auto& tensor : graph().initializer())
      if (tensor.name() == name) return tensor;
    FAIL("no initializer " << name);
    return graph().initializer(0);
  }

  Shape dims(const std::string& name) const {
    return {tensor(name).dims().begin(), tensor(name).dims().end()};
  }

  template <typename T>
  std::vector<T> values(const std::string& name) const {
    const std::string& raw = tensor(name).raw_data();
    std::vector<T> values(raw.size() / sizeof(T));
    std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }

  OnnxForRuntime interface;

 private:
  ::onnx::ModelProto file_;
};

// The embedding and the first layer: the rest is like it.
Model small_bert() {
  Model model = build_zoo_model("bert-base@seq=5").value();
  model.ops.resize(static_cast<std::size_t>(find_op(model, "layer0.output_norm")) + 1);
  model.output = model.ops.back().name;
  return model;
}

using Types = std::vector<std::string>;

std::string shape_of(const ::onnx::ValueInfoProto& info) {
  std::string text;
  for (const auto& dim : info.type().tensor_type().shape().dim())
    text += (text.empty() ? "" : ",") +
            (dim.dim_param().empty() ? std::to_string(dim.dim_value()) : dim.dim_param());
  return text;
}

std::vector<float> weight(const Model& model, const std::string& op, WeightRole role,
                          std::size_t count) {
  std::vector<float> values(count);
  fill_weight(1, model, model.ops[static_cast<std::size_t>(find_op(model, op))], role, values);
  return values;
}

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
  const std::string folder =
      std::filesystem::temp_directory_path() / ("bt_export_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto made = write_onnx(model, 1, folder + "/m.onnx", 1000);
  REQUIRE(made);
  CHECK(made->path == folder + "/m.onnx");
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
  std::ifstream data(folder + "/m.onnx.data", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(data), {}};
  CHECK(bytes.substr(16384) == whole.tensor("fc2.weight").raw_data());
  std::filesystem::remove_all(folder);
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

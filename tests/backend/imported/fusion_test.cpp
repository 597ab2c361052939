// What goes into a product, and what does not because somebody else reads what is between.
#include "tests/backend/imported/imported_support.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

constexpr std::int64_t kChannels = 6;

// image -> Conv 3x3 -> "conv", [N, 6, 7, 5]
OnnxGraph with_conv() {
  OnnxGraph graph;
  graph.input("image", {"N", 3, 7, 5});
  constant(graph, "filters", {kChannels, 3, 3, 3});
  set_ints(graph.node("Conv", {"image", "filters"}, {"conv"}), "pads", {1, 1, 1, 1});
  return graph;
}

void add_batch_norm(OnnxGraph& graph, const std::string& in, const std::string& out) {
  for (const char* name : {"gain", "shift", "mean"}) constant(graph, out + name, {kChannels});
  constant(graph, out + "variance", {kChannels}, true);
  graph.node("BatchNormalization",
             {in, out + "gain", out + "shift", out + "mean", out + "variance"}, {out});
}

const Op& only_conv(const cpu::CpuModel& model) {
  const Op* found = nullptr;
  for (const Op& op : model.model().ops) {
    if (op.kind != OpKind::conv2d) continue;
    CHECK(found == nullptr);
    found = &op;
  }
  REQUIRE(found != nullptr);
  return *found;
}

int count(const cpu::CpuModel& model, const std::string& kind) {
  return kinds_of(*model.lowered())[kind];
}

}  // namespace

TEST_CASE("batch norm and relu go into the convolution before them", "[imported]") {
  OnnxGraph graph = with_conv();
  add_batch_norm(graph, "conv", "norm");
  graph.node("Relu", {"norm"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  const Op& conv = only_conv(*model);
  CHECK(conv.epilogue.bias);
  CHECK(conv.epilogue.activation == Activation::relu);
  CHECK(model->lowered()->calls.empty());
  check_batches(*model);
}

TEST_CASE("a batch norm whose input is read twice stays by itself", "[imported]") {
  OnnxGraph graph = with_conv();
  add_batch_norm(graph, "conv", "norm");
  graph.node("Sigmoid", {"conv"}, {"gate"});
  graph.node("Mul", {"norm", "gate"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "conv2d") == 2);  // the second is the batch norm: depthwise, 1x1
  CHECK(count(*model, "multiply") == 1);
}

TEST_CASE("an activation of an output of the graph leaves the output as it is", "[imported]") {
  OnnxGraph graph = with_conv();
  graph.node("Relu", {"conv"}, {"y"});
  graph.output("y");
  graph.output("conv");
  const auto model = check_forms(graph);
  CHECK(only_conv(*model).epilogue.activation == Activation::none);
  CHECK(count(*model, "activation") == 1);
}

TEST_CASE("scales and biases of channels go into the filters", "[imported]") {
  const std::string operation = GENERATE("Mul", "Div", "Add", "Sub");
  OnnxGraph graph = with_conv();
  constant(graph, "factor", {kChannels, 1, 1}, true);
  graph.node(operation, {"conv", "factor"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  only_conv(*model);
  CHECK(model->lowered()->calls.empty());
}

TEST_CASE("a factor for each pixel is no factor of channels", "[imported]") {
  OnnxGraph graph = with_conv();
  constant(graph, "factor", {1, kChannels, 7, 5});
  graph.node("Mul", {"conv", "factor"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "Mul") == 1);
}

TEST_CASE("a residual sum goes into the convolution, before or behind its activation",
          "[imported]") {
  const bool activated_first = GENERATE(false, true);
  OnnxGraph graph = with_conv();
  constant(graph, "one", {kChannels, 3, 1, 1});
  graph.node("Conv", {"image", "one"}, {"short"});
  graph.node("Sigmoid", {"short"}, {"gate"});
  if (activated_first) {
    graph.node("Relu", {"conv"}, {"relu"});
    graph.node("Add", {"relu", "gate"}, {"y"});
  } else {
    graph.node("Add", {"gate", "conv"}, {"sum"});
    graph.node("Relu", {"sum"}, {"y"});
  }
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "add") == 0);
  CHECK(count(*model, "activation") == 0);
  for (const Op& op : model->model().ops)
    if (!op.epilogue.residual.empty())
      CHECK(op.epilogue.residual_after_activation == activated_first);
  check_batches(*model);
}

TEST_CASE("a sum with a smaller tensor is no residual", "[imported]") {
  OnnxGraph graph = with_conv();
  graph.node("GlobalAveragePool", {"image"}, {"mean"});
  constant(graph, "one", {kChannels, 3, 1, 1});
  graph.node("Conv", {"mean", "one"}, {"bias"});
  graph.node("Add", {"conv", "bias"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "Add") == 1);
}

TEST_CASE("a product with its bias and activation is one operation", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 4, 10});
  constant(graph, "matrix", {10, 8});
  constant(graph, "bias", {8});
  graph.node("MatMul", {"x", "matrix"}, {"product"});
  graph.node("Add", {"bias", "product"}, {"sum"});
  graph.node("Relu", {"sum"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "matmul") == 1);
  CHECK(model->model().ops.size() == 2);
  check_batches(*model);
}

TEST_CASE("a Gemm with a transposed weight, factors and a bias is a product", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 10});
  constant(graph, "matrix", {8, 10});
  constant(graph, "bias", {1, 8});
  auto& node = graph.node("Gemm", {"x", "matrix", "bias"}, {"y"});
  set_int(node, "transB", 1);
  auto& alpha = attribute(node, "alpha");
  alpha.set_type(::onnx::AttributeProto::FLOAT);
  alpha.set_f(0.5F);
  auto& beta = attribute(node, "beta");
  beta.set_type(::onnx::AttributeProto::FLOAT);
  beta.set_f(3);
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "matmul") == 1);
  CHECK(model->lowered()->calls.empty());
}

TEST_CASE("x * sigmoid(x) is silu, and goes into the convolution", "[imported]") {
  OnnxGraph graph = with_conv();
  graph.node("Sigmoid", {"conv"}, {"gate"});
  graph.node("Mul", {"conv", "gate"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(only_conv(*model).epilogue.activation == Activation::silu);
}

TEST_CASE("GELU in both forms goes into the convolution", "[imported]") {
  const std::string approximate = GENERATE("none", "tanh");
  OnnxGraph graph = with_conv();
  set_text(graph.node("Gelu", {"conv"}, {"y"}), "approximate", approximate);
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(only_conv(*model).epilogue.activation ==
        (approximate == "none" ? Activation::gelu_erf : Activation::gelu));
  CHECK(model->lowered()->calls.empty());
}

TEST_CASE("zeros around an image are the convolution's padding", "[imported]") {
  const float value = GENERATE(0.0F, 1.0F);
  OnnxGraph graph;
  graph.input("image", {"N", 3, 7, 5});
  graph.integers("around", {0, 0, 1, 0, 0, 0, 2, 1});
  set_floats(graph.weights("value", {}), {value});
  graph.node("Pad", {"image", "around", "value"}, {"padded"});
  constant(graph, "filters", {kChannels, 3, 3, 3});
  graph.node("Conv", {"padded", "filters"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "Pad") == (value == 0 ? 0 : 1));
}

TEST_CASE("channels that are shuffled stay where they lie", "[imported]") {
  OnnxGraph graph = with_conv();
  graph.integers("split", {-1, 2, 3, 7, 5});
  graph.integers("joined", {-1, kChannels, 7, 5});
  graph.node("Reshape", {"conv", "split"}, {"parts"});
  set_ints(graph.node("Transpose", {"parts"}, {"turned"}), "perm", {0, 2, 1, 3, 4});
  graph.node("Reshape", {"turned", "joined"}, {"shuffled"});
  constant(graph, "one", {4, kChannels / 2, 1, 1});
  set_int(graph.node("Conv", {"shuffled", "one"}, {"z"}), "group", 2);
  graph.node("GlobalAveragePool", {"z"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(count(*model, "transpose") == 2);  // the image's order, and the shuffle
  CHECK(model->lowered()->calls.empty());
}

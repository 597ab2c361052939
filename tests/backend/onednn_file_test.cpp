// ONNX files on oneDNN: with the file's weights, native operations by primitives and the rest by
// calls of kernels/tensor, held against the cpu backend; what neither computes is refused.
#include "tests/backend/imported/imported_support.h"
#include "tests/backend/onednn_support.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

std::unique_ptr<onednn::OneDnnModel> load_file(const Model& model, const LoadOptions& options) {
  onednn::OneDnnBackend backend({}, &read_onnx_graph);
  LoadReport report;
  auto loaded = backend.load(model, options, report);
  INFO((loaded ? "" : loaded.error().reason + "; " + loaded.error().evidence));
  REQUIRE(loaded);
  CHECK(report.refuted_kernels.empty());
  return std::unique_ptr<onednn::OneDnnModel>(static_cast<onednn::OneDnnModel*>(loaded->release()));
}

std::vector<float> output_on_onednn(const Model& model, std::int64_t batch,
                                    DType dtype = DType::f32, int instances = 1) {
  const LoadOptions options = onednn_options(dtype, 2, instances);
  const auto loaded = load_file(model, options);
  const auto program = prepare_onednn(*loaded, options.group, batch);
  REQUIRE(program->run(2));
  return program->read_output(batch).value();
}

// Two libraries' sums and exponentials; in bf16 each rounds what is between in places of its own.
constexpr float kTolerance[] = {1e-4F, 4e-2F};

// Against the cpu backend, whose calls are the same ones; instances of onednn all have its output.
void check_file(const OnnxGraph& graph) {
  const Model model = read_ok(graph);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    if (dtype == DType::bf16 && onednn_refuses(dtype)) continue;
    for (const std::int64_t batch : {1, 3})
      for (const int instances : {1, 2}) {
        INFO(name_of(dtype) << ", batch " << batch << ", " << instances << " instances");
        const auto cpu = load_ok(model, options_of(dtype));
        const auto program = prepare_ok(*cpu, batch);
        REQUIRE(program->run(1));
        const std::vector<float> right = program->read_output(batch).value();
        const std::vector<float> found = output_on_onednn(model, batch, dtype, instances);
        REQUIRE(found.size() == right.size() * static_cast<std::size_t>(instances));
        float largest = 0, worst = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
          const float expected = right[i % right.size()];
          REQUIRE(std::isfinite(found[i]));
          largest = std::max(largest, std::abs(expected));
          worst = std::max(worst, std::abs(found[i] - expected));
        }
        CHECK(largest > 0);
        CHECK(worst <= kTolerance[dtype == DType::bf16] * largest);
      }
  }
}

// How many steps of the program are calls.
std::ptrdiff_t calls_of(const OnnxGraph& graph) {
  const LoadOptions options = onednn_options(DType::f32);
  const auto model = load_file(read_ok(graph), options);
  const auto program = prepare_onednn(*model, options.group, 2);
  const auto& steps = static_cast<const onednn::OneDnnProgram&>(*program).graph().steps;
  return std::count_if(steps.begin(), steps.end(),
                       [](const onednn::Step& step) { return step.call != nullptr; });
}

constexpr std::int64_t kRows = 5, kFeatures = 12;

// Attention under a mask over rows of a table and a token of its own, in front of every sample; the
// token's row decides.
OnnxGraph transformer() {
  OnnxGraph graph(23);
  graph.input("ids", {"N", kRows}, OnnxGraph::kInt64);
  graph.input("mask", {"N", 1, 1, kRows + 1});
  constant(graph, "table", {9, kFeatures});
  graph.node("Gather", {"table", "ids"}, {"rows"});
  graph.node("Shape", {"ids"}, {"shape"});
  graph.integers("first", {0});
  graph.node("Gather", {"shape", "first"}, {"batch"});
  graph.integers("of a token", {1, kFeatures});
  set_int(graph.node("Concat", {"batch", "of a token"}, {"target"}), "axis", 0);
  constant(graph, "token", {1, 1, kFeatures});
  graph.node("Expand", {"token", "target"}, {"tokens"});
  set_int(graph.node("Concat", {"tokens", "rows"}, {"x"}), "axis", 1);
  for (const std::string name : {"q", "k", "v"}) {
    constant(graph, "weights of " + name, {kFeatures, kFeatures});
    graph.node("MatMul", {"x", "weights of " + name}, {name});
  }
  auto& attention = graph.node("Attention", {"q", "k", "v", "mask"}, {"attended"});
  set_int(attention, "q_num_heads", 2);
  set_int(attention, "kv_num_heads", 2);
  graph.node("Add", {"attended", "x"}, {"sum"});
  graph.node("Sin", {"sum"}, {"waves"});
  constant(graph, "up", {kFeatures, 8});
  graph.node("MatMul", {"waves", "up"}, {"wide"});
  graph.integers("begin", {0});
  graph.integers("end", {1});
  graph.integers("axis", {1});
  graph.node("Slice", {"wide", "begin", "end", "axis"}, {"decides"});
  set_int(graph.node("Flatten", {"decides"}, {"y"}), "axis", 1);
  graph.output("y");
  return graph;
}

// Convolutions in the library's format around calls over images as they lie and in the file's
// order.
OnnxGraph images() {
  OnnxGraph graph;
  graph.input("x", {"N", 8, 6, 5});
  constant(graph, "w1", {16, 8, 3, 3});
  graph.node("Conv", {"x", "w1"}, {"c1"});
  graph.node("HardSwish", {"c1"}, {"h"});
  constant(graph, "w2", {16, 16, 1, 1});
  graph.node("Conv", {"h", "w2"}, {"c2"});
  set_int(graph.node("LRN", {"c2"}, {"n"}), "size", 3);
  set_int(graph.node("CumSum", {"n", "axis"}, {"turned"}), "exclusive", 0);
  auto& axis = *graph.graph().add_initializer();
  axis.set_name("axis");
  axis.set_data_type(OnnxGraph::kInt64);
  axis.add_int64_data(2);
  graph.node("Add", {"turned", "c2"}, {"sum"});
  constant(graph, "w3", {4, 16, 2, 2});
  graph.node("Conv", {"sum", "w3"}, {"y"});
  graph.output("y");
  return graph;
}

// A residual block with everything that exporters put around convolutions.
OnnxGraph residual_block() {
  OnnxGraph graph;
  graph.input("x", {"N", 8, 6, 5});
  constant(graph, "w1", {8, 8, 3, 3});
  constant(graph, "b1", {8});
  auto& first = graph.node("Conv", {"x", "w1", "b1"}, {"c1"});
  set_ints(first, "pads", {1, 1, 1, 1});
  graph.node("Relu", {"c1"}, {"r1"});
  constant(graph, "w2", {8, 2, 3, 3});
  auto& second = graph.node("Conv", {"r1", "w2"}, {"c2"});
  set_ints(second, "pads", {1, 1, 1, 1});
  set_int(second, "group", 4);
  graph.node("Add", {"c2", "x"}, {"sum"});
  graph.node("Relu", {"sum"}, {"r2"});
  graph.node("GlobalAveragePool", {"r2"}, {"pooled"});
  set_int(graph.node("Flatten", {"pooled"}, {"flat"}), "axis", 1);
  constant(graph, "matrix", {8, 3});
  constant(graph, "bias", {3});
  graph.node("Gemm", {"flat", "matrix", "bias"}, {"y"});
  graph.output("y");
  return graph;
}

}  // namespace

TEST_CASE("an ONNX file of convolutions runs on oneDNN with its own weights",
          "[onednn][imported]") {
  const Model model = read_ok(residual_block());
  for (const std::int64_t batch : {1, 3}) {
    const auto cpu = load_as(model, imported::Forms::native);
    const auto program = prepare_ok(*cpu, batch);
    REQUIRE(program->run(1));
    check_alike(output_on_onednn(model, batch), program->read_output(batch).value());
  }
}

TEST_CASE("a transformer's file runs on oneDNN, its calls between primitives",
          "[onednn][imported]") {
  const OnnxGraph graph = transformer();
  CHECK(calls_of(graph) >= 4);  // Gather, Expand, MaskedSoftmax, Sin
  check_file(graph);
}

TEST_CASE("calls between convolutions find images plain, whatever oneDNN's format",
          "[onednn][imported]") {
  const OnnxGraph graph = images();
  CHECK(calls_of(graph) == 3);
  check_file(graph);
}

TEST_CASE("all outputs of a call and of a file are alive on oneDNN", "[onednn][imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 9});
  graph.integers("k", {4});
  graph.node("TopK", {"x", "k"}, {"values", "places"});
  set_int(graph.node("Cast", {"places"}, {"as floats"}), "to", 1);
  graph.node("Exp", {"as floats"}, {"e"});
  graph.node("Sin", {"e"}, {"s"});
  graph.node("Mul", {"s", "values"}, {"y"});
  graph.output("values");  // read after the run, others' bytes come and go meanwhile
  graph.output("y");
  check_file(graph);
}

TEST_CASE("a batch in any axis and types of the file are taken and given on oneDNN",
          "[onednn][imported]") {
  OnnxGraph graph;
  graph.input("x", {3, "batch", 4}, ::onnx::TensorProto::DOUBLE);
  set_int(graph.node("Cast", {"x"}, {"as floats"}), "to", 1);
  constant(graph, "matrix", {4, 2});
  graph.node("MatMul", {"as floats", "matrix"}, {"z"});
  set_int(graph.node("Cast", {"z"}, {"halves"}), "to", ::onnx::TensorProto::FLOAT16);
  set_int(graph.node("Cast", {"halves"}, {"y"}), "to", 1);
  graph.output("y");
  check_file(graph);
}

TEST_CASE("a file with calls fits on oneDNN at exactly its own bytes and not at one less",
          "[onednn][imported][memory]") {
  OnnxGraph rows;  // its convolution is a call that needs scratch for each lane
  rows.input("x", {"N", 4, 16});
  constant(rows, "w", {6, 4, 3});
  rows.node("Conv", {"x", "w"}, {"c"});
  rows.node("Softmax", {"c"}, {"y"});
  rows.output("y");
  const OnnxGraph files[] = {transformer(), rows};
  for (const OnnxGraph& graph : files)
    for (const int instances : {1, 2}) {
      const Model model = read_ok(graph);
      LoadOptions options = onednn_options(DType::f32, 2, instances);
      const Candidate candidate{options.group, 3};
      const auto loaded = load_file(model, options);
      const Bytes need = prepare_onednn(*loaded, options.group, 3)->memory().total();
      INFO(instances << " instances, needs " << need);
      CHECK(loaded->held_bytes() > 0);
      options.account_limit = need;
      CHECK(load_file(model, options)->prepare(candidate));
      options.account_limit = need - 1;
      const auto refused = load_file(model, options)->prepare(candidate);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().status == TrialStatus::out_of_memory);
    }
}

TEST_CASE("constants of calls are in the account of oneDNN", "[onednn][imported][memory]") {
  const auto held = [](std::int64_t size) {
    OnnxGraph graph;
    graph.input("x", {"N", size});
    constant(graph, "mask", {size});
    set_int(graph.node("Mod", {"x", "mask"}, {"y"}), "fmod", 1);
    graph.output("y");
    return load_file(read_ok(graph), onednn_options(DType::f32))->held_bytes();
  };
  CHECK(held(64) - held(32) == 32 * 4);
}

TEST_CASE("an index that is out of range fails the run on oneDNN and names the node",
          "[onednn][imported]") {
  OnnxGraph graph;
  graph.input("ids", {"N", 2}, OnnxGraph::kInt64);
  graph.integers("far", {1000});
  graph.node("Add", {"ids", "far"}, {"rows"});
  constant(graph, "table", {4, 3});
  graph.node("Gather", {"table", "rows"}, {"y"});
  graph.output("y");
  const LoadOptions options = onednn_options(DType::f32);
  const auto model = load_file(read_ok(graph), options);
  const auto program = prepare_onednn(*model, options.group, 1);
  const auto ran = program->run(1);
  REQUIRE_FALSE(ran);
  CHECK(ran.error().status == TrialStatus::failed);
  CHECK(ran.error().reason.find("node of y") != std::string::npos);
}

TEST_CASE("a profile on oneDNN has a file's calls under their names", "[onednn][imported]") {
  const LoadOptions options = onednn_options(DType::f32);
  const auto model = load_file(read_ok(images()), options);
  const auto program = prepare_onednn(*model, options.group, 2);
  const std::vector<LayerTime> layers = program->profile(2).value();
  CHECK(std::any_of(layers.begin(), layers.end(),
                    [](const LayerTime& layer) { return layer.kind == "LRN (call)"; }));
}

TEST_CASE("a file's operations that nothing here computes are named and counted on oneDNN",
          "[onednn][imported]") {
  onednn::OneDnnBackend backend({}, &read_onnx_graph);
  LoadReport report;
  const auto loaded = backend.load(read_ok(two_mysteries()), onednn_options(DType::f32), report);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == TrialStatus::unsupported);
  CHECK(loaded.error().reason.find("2 x Mystery") != std::string::npos);
}

// ONNX files on oneDNN: with the file's weights, as the cpu backend runs them; the rest is refused.
#include "tests/backend/imported/imported_support.h"
#include "tests/backend/onednn_support.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

std::vector<float> output_on_onednn(const Model& model, std::int64_t batch) {
  onednn::OneDnnBackend backend({}, &read_onnx_graph);
  LoadReport report;
  const LoadOptions options = onednn_options(DType::f32);
  const auto loaded = backend.load(model, options, report);
  INFO((loaded ? "" : loaded.error().reason + "; " + loaded.error().evidence));
  REQUIRE(loaded);
  const auto program = prepare_onednn(**loaded, options.group, batch);
  REQUIRE(program->run(2));
  return program->read_output(batch).value();
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

TEST_CASE("a file's operations that oneDNN has not got are named", "[onednn][imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 8, 6, 5});
  set_int(graph.node("LRN", {"x"}, {"y"}), "size", 3);
  graph.output("y");
  onednn::OneDnnBackend backend({}, &read_onnx_graph);
  LoadReport report;
  const auto loaded = backend.load(read_ok(graph), onednn_options(DType::f32), report);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == TrialStatus::unsupported);
  CHECK(loaded.error().reason.find("LRN") != std::string::npos);
}

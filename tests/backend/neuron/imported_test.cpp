// Imported ONNX files on the Neuron stand-ins.
#include <algorithm>

#include "tests/backend/neuron/stand_ins.h"
#include "tests/support/catch.h"
#include "tests/support/onnx_graph.h"
#include "tuner/workload/onnx/onnx.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// Words picked by ids of 64 bits, a mask of them, and a product.
Model words() {
  OnnxGraph graph;
  graph.input("ids", {"batch", 4}, OnnxGraph::kInt64);
  graph.input("mask", {"batch", 4}, OnnxGraph::kInt64);
  graph.weights("table", {10, 6});
  graph.weights("matrix", {6, 3});
  graph.integers("axis", {2});
  graph.node("Gather", {"table", "ids"}, {"picked"});
  set_int(graph.node("Cast", {"mask"}, {"seen"}), "to", OnnxGraph::kFloat);
  graph.node("Unsqueeze", {"seen", "axis"}, {"column"});
  graph.node("Mul", {"picked", "column"}, {"masked"});
  graph.node("MatMul", {"masked", "matrix"}, {"y"});
  graph.output("y", {"batch", 4, 3});
  return read_onnx(graph.write("words.onnx"), OnnxOptions{}).value();
}

}  // namespace

TEST_CASE("an imported file is compiled, loaded and run on the Neuron stand-in with its weights",
          "[neuron]") {
  const Told told;
  const auto backend = opened(told.cache());
  const DType dtype = GENERATE(DType::f32, DType::bf16);
  LoadReport report;
  auto loaded = backend->load(words(), options_of(dtype), report);
  INFO((loaded ? "" : loaded.error().reason));
  REQUIRE(loaded);
  const auto one = prepared(**loaded, options_of(dtype), 1);
  REQUIRE(one->run(1));
  CHECK(one->memory().weights == (10 * 6 + 6 * 3) * (dtype == DType::f32 ? 4 : 2));
  const std::vector<float> expected = one->read_output(1).value();
  REQUIRE(expected.size() == 4 * 3);
  const auto three = prepared(**loaded, options_of(dtype), 3);
  REQUIRE(three->run(1));
  const std::vector<float> all = three->read_output(3).value();
  REQUIRE(all.size() == 3 * expected.size());
  CHECK(std::equal(expected.begin(), expected.end(), all.begin()));
}

TEST_CASE("an imported file with an operation that no program has is unsupported, by its name",
          "[neuron]") {
  const Told told;
  OnnxGraph graph;
  graph.input("x", {"batch", 4});
  graph.node("Foo", {"x"}, {"y"});
  graph.output("y", {"batch", 4});
  const Model model = read_onnx(graph.write("foo.onnx"), OnnxOptions{}).value();
  const auto backend = opened(told.cache());
  LoadReport report;
  const auto loaded = backend->load(model, options_of(), report);
  REQUIRE(!loaded);
  CHECK(loaded.error().status == TrialStatus::unsupported);
  CHECK(loaded.error().reason.find("1 x Foo (node \"node of y\")") != std::string::npos);
}

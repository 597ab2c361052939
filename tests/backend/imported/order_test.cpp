// In which order images lie, and where a transpose must be.
#include "tests/backend/imported/imported_support.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

int transposes(const cpu::CpuModel& model) {
  return kinds_of(*model.lowered())["transpose"];
}

OnnxGraph with_conv(std::int64_t channels = 6) {
  OnnxGraph graph;
  graph.input("image", {"N", 3, 6, 4});
  constant(graph, "filters", {channels, 3, 1, 1});
  graph.node("Conv", {"image", "filters"}, {"conv"});
  return graph;
}

}  // namespace

TEST_CASE("an output that lies channels last is given in the file's order", "[imported]") {
  OnnxGraph graph = with_conv();
  graph.output("conv");
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == 2);
}

TEST_CASE("one transpose serves all who read the other order", "[imported]") {
  OnnxGraph graph = with_conv();
  set_int(graph.node("LogSoftmax", {"conv"}, {"a"}), "axis", 2);
  set_int(graph.node("LogSoftmax", {"conv"}, {"b"}), "axis", 3);
  graph.output("a");
  graph.output("b");
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == 2);
}

TEST_CASE("a product behind a flattened image permutes its weight instead of the data",
          "[imported]") {
  const bool twice = GENERATE(false, true);
  OnnxGraph graph = with_conv();
  graph.node("Flatten", {"conv"}, {"flat"});
  constant(graph, "matrix", {6 * 6 * 4, 5});
  graph.node("Gemm", {"flat", "matrix"}, {"y"});
  graph.output("y");
  if (twice) {  // whoever else reads the flattened image wants the file's order
    graph.node("Softmax", {"flat"}, {"z"});
    graph.output("z");
  }
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == (twice ? 2 : 1));
  check_batches(*model);
}

TEST_CASE("functions and sums of images keep their order, constants follow", "[imported]") {
  OnnxGraph graph = with_conv();
  graph.node("Sigmoid", {"conv"}, {"gate"});
  constant(graph, "pixels", {1, 6, 6, 4});
  graph.node("Add", {"gate", "pixels"}, {"sum"});
  constant(graph, "slopes", {6, 1, 1});
  graph.node("PRelu", {"sum", "slopes"}, {"bent"});
  graph.node("Mul", {"bent", "conv"}, {"product"});
  graph.node("GlobalAveragePool", {"product"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == 1);
  check_batches(*model);
}

TEST_CASE("branches are joined and split along the channels as they lie", "[imported]") {
  OnnxGraph graph = with_conv();
  constant(graph, "other filters", {4, 3, 1, 1});
  graph.node("Conv", {"image", "other filters"}, {"other"});
  set_int(graph.node("Concat", {"conv", "other"}, {"all"}), "axis", 1);
  graph.integers("parts", {3, 7});
  set_int(graph.node("Split", {"all", "parts"}, {"head", "tail"}), "axis", 1);
  graph.node("GlobalAveragePool", {"head"}, {"y"});
  graph.node("GlobalAveragePool", {"tail"}, {"z"});
  graph.output("y");
  graph.output("z");
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == 1);
  CHECK(kinds_of(*model->lowered())["concat"] == 1);
  CHECK(kinds_of(*model->lowered())["slice"] == 2);
  check_batches(*model);
}

TEST_CASE("a transpose between the orders costs nothing where it is the one wanted", "[imported]") {
  OnnxGraph graph = with_conv();
  set_ints(graph.node("Transpose", {"conv"}, {"last"}), "perm", {0, 2, 3, 1});
  constant(graph, "matrix", {6, 5});
  graph.node("MatMul", {"last", "matrix"}, {"product"});
  set_ints(graph.node("Transpose", {"product"}, {"first"}), "perm", {0, 3, 1, 2});
  graph.node("GlobalAveragePool", {"first"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == 1);
}

TEST_CASE("local response normalisation runs over the channels as they lie", "[imported]") {
  OnnxGraph graph = with_conv(7);
  set_int(graph.node("LRN", {"conv"}, {"norm"}), "size", 3);
  graph.node("GlobalAveragePool", {"norm"}, {"y"});
  graph.output("y");
  const auto model = check_forms(graph);
  CHECK(transposes(*model) == 1);
}

TEST_CASE("windows: strides, padding on each side, dilation, groups, ceil_mode", "[imported]") {
  const int kind = GENERATE(0, 1, 2, 3, 4, 5, 6);
  OnnxGraph graph;
  graph.input("image", {"N", 4, 9, 8});
  if (kind < 3) {
    constant(graph, "filters", kind == 2 ? Shape{4, 1, 3, 3} : Shape{6, 2, 3, 2});
    auto& conv = graph.node("Conv", {"image", "filters"}, {"x"});
    set_int(conv, "group", kind == 2 ? 4 : 2);
    if (kind == 0) set_ints(conv, "dilations", {2, 1});
    if (kind == 1) set_text(conv, "auto_pad", "SAME_LOWER");
    set_ints(conv, "strides", {2, 1});
    if (kind != 1) set_ints(conv, "pads", {1, 0, 2, 1});
  } else {
    auto& pool = graph.node(kind == 3 ? "MaxPool" : "AveragePool", {"image"}, {"x"});
    set_ints(pool, "kernel_shape", {3, 2});
    set_ints(pool, "strides", {2, 3});
    if (kind >= 4) set_ints(pool, "pads", {1, 0, 1, 1});
    if (kind == 5) set_int(pool, "count_include_pad", 1);
    if (kind != 4) set_int(pool, "ceil_mode", 1);
    if (kind == 6) set_text(pool, "auto_pad", "SAME_UPPER");
  }
  graph.output("x");
  check_forms(graph);
}

// Files as the cpu backend runs them: inputs and outputs, constants, batches, and what it refuses.
#include "tests/backend/imported/imported_support.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("weights are the file's", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 2});
  set_floats(graph.weights("matrix", {2, 3}), {1, 2, 3, 4, 5, 6});
  set_floats(graph.weights("bias", {3}), {10, 20, 30});
  graph.node("Gemm", {"x", "matrix", "bias"}, {"y"});
  graph.output("y");
  const auto model = load_ok(read_ok(graph), options_of(DType::f32));
  const auto program = prepare_ok(*model, 2);
  const float values[] = {1, 0, -1, 2};
  REQUIRE(program->write_file_input("x", std::string(reinterpret_cast<const char*>(values), 16)));
  REQUIRE(program->run(1));
  CHECK(program->read_output(2).value() == std::vector<float>{11, 22, 33, 17, 28, 39});
  CHECK(program->read_file_output("y")->shape == Shape{2, 3});
}

TEST_CASE("inputs have the values that every other backend gives them", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 5});
  graph.input("ids", {"N", 4}, OnnxGraph::kInt64);
  constant(graph, "table", {9, 5});
  graph.node("Gather", {"table", "ids"}, {"rows"});
  graph.node("Identity", {"x"}, {"same"});
  graph.output("rows");
  graph.output("same");
  const Model counted = read_ok(graph);
  const auto model = load_ok(counted, options_of(DType::f32));
  const auto program = prepare_ok(*model, 2);
  REQUIRE(program->run(1));
  std::vector<float> expected(5);
  for (std::int64_t sample = 0; sample < 2; ++sample) {
    fill_input(model->seed(), counted.ops[0], sample, expected);
    const std::vector<float> same = floats_of(program->read_file_output("same").value());
    CHECK(std::equal(expected.begin(), expected.end(), same.begin() + sample * 5));
    std::vector<std::int32_t> ids(4);
    fill_token_ids(model->seed(), counted.ops[1], sample, ids);
    const std::vector<float> rows = floats_of(program->read_file_output("rows").value());
    const std::vector<float> table =
        varied(45, static_cast<int>(std::string("table").size()) + 'e');
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(rows[static_cast<std::size_t>(sample) * 20 + i * 5] ==
            table[static_cast<std::size_t>(ids[i]) * 5]);
  }
}

TEST_CASE("what sizes and constants decide is computed once, the batch's part at each batch",
          "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 6});
  graph.node("Shape", {"x"}, {"shape"});
  graph.integers("first", {0});
  graph.node("Gather", {"shape", "first"}, {"batch"});
  graph.integers("rest", {2, 3});
  set_int(graph.node("Concat", {"batch", "rest"}, {"target"}), "axis", 0);
  graph.node("Reshape", {"x", "target"}, {"y"});
  graph.node("Expand", {"one", "target"}, {"spread"});
  constant(graph, "one", {1, 2, 1});
  graph.node("Exp", {"y"}, {"e"});
  graph.node("Add", {"e", "spread"}, {"z"});
  graph.output("z");
  const auto model = load_ok(read_ok(graph), options_of(DType::f32));
  CHECK(kinds_of(*model->lowered())["Gather"] == 0);
  CHECK(kinds_of(*model->lowered())["Concat"] == 0);
  for (const std::int64_t batch : {1, 2, 5}) {
    const auto program = prepare_ok(*model, batch);
    REQUIRE(program->run(1));
    CHECK(program->read_file_output("z")->shape == Shape{batch, 2, 3});
  }
}

TEST_CASE("a batch that is fixed at 1 is freed", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {1, 2, 6});
  graph.integers("target", {1, 12});
  graph.node("Reshape", {"x", "target"}, {"flat"});
  constant(graph, "matrix", {12, 4});
  graph.node("MatMul", {"flat", "matrix"}, {"y"});
  graph.output("y");
  check_batches(*check_forms(graph));
}

TEST_CASE("the batch may be in any axis", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {3, "batch", 4});
  graph.node("Tanh", {"x"}, {"y"});
  constant(graph, "matrix", {4, 2});
  graph.node("MatMul", {"y", "matrix"}, {"z"});
  graph.output("z");
  const Model counted = read_ok(graph);
  const auto model = check_forms(graph);
  const auto program = prepare_ok(*model, 2);
  REQUIRE(program->run(1));
  CHECK(program->read_file_output("z")->shape == Shape{3, 2, 2});
  const std::vector<float> samples = program->read_output(2).value();
  const std::vector<float> whole = floats_of(program->read_file_output("z").value());
  REQUIRE(samples.size() == 12);
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t sample = 0; sample < 2; ++sample)
      CHECK(samples[sample * 6 + row * 2] == whole[row * 4 + sample * 2]);
}

TEST_CASE("all outputs of a node are there when it is computed", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 9});
  graph.integers("k", {4});
  graph.node("TopK", {"x", "k"}, {"values", "places"});
  graph.node("Cast", {"places"}, {"as floats"});
  set_int(*graph.graph().mutable_node(1), "to", 1);
  graph.node("Exp", {"as floats"}, {"y"});
  graph.output("y");
  graph.output("values");
  check_batches(*load_ok(read_ok(graph), options_of(DType::f32)));
}

TEST_CASE("nodes that cannot be computed are named and counted", "[imported]") {
  cpu::CpuBackend backend;
  LoadReport report;
  const auto loaded = backend.load(read_ok(two_mysteries()), options_of(DType::f32), report);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == TrialStatus::unsupported);
  INFO(loaded.error().reason);
  CHECK(loaded.error().reason.find("2 x Mystery (\"node of a\"") != std::string::npos);
  CHECK(loaded.error().reason.find("Add") == std::string::npos);  // it is only behind them
}

TEST_CASE("in bf16 native operations and calls both compute in it", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 8});
  constant(graph, "matrix", {8, 4});
  graph.node("MatMul", {"x", "matrix"}, {"product"});
  graph.node("Erf", {"product"}, {"e"});
  constant(graph, "offsets", {2, 4, 1});
  graph.integers("pairs", {-1, 1, 1, 4});
  graph.node("Reshape", {"e", "pairs"}, {"r"});
  graph.node("Add", {"r", "offsets"}, {"y"});
  graph.output("y");
  const Model counted = read_ok(graph);
  const auto f32 = load_ok(counted, options_of(DType::f32)),
             bf16 = load_ok(counted, options_of(DType::bf16));
  const auto exact = prepare_ok(*f32, 3), rounded = prepare_ok(*bf16, 3);
  REQUIRE(exact->run(1));
  REQUIRE(rounded->run(1));
  const auto expected = exact->read_output(3).value(), found = rounded->read_output(3).value();
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) < 0.02F);
  CHECK(found != expected);
  CHECK(rounded->read_file_output("y")->type == ElementType::bf16);
}

TEST_CASE("an index that is out of range fails the run and names the node", "[imported]") {
  OnnxGraph graph;
  graph.input("ids", {"N", 2}, OnnxGraph::kInt64);
  constant(graph, "table", {4, 3});
  graph.node("Gather", {"table", "ids"}, {"y"});
  graph.output("y");
  const auto model = load_ok(read_ok(graph), options_of(DType::f32));
  const auto program = prepare_ok(*model, 1);
  REQUIRE(program->run(1));
  const std::int64_t ids[] = {1, 4};
  REQUIRE(program->write_file_input("ids", std::string(reinterpret_cast<const char*>(ids), 16)));
  const auto ran = program->run(1);
  REQUIRE_FALSE(ran);
  CHECK(ran.error().status == TrialStatus::failed);
  CHECK(ran.error().reason.find("node of y") != std::string::npos);
}

TEST_CASE("weights and constants of a file are in the account", "[imported]") {
  OnnxGraph graph;
  graph.input("x", {"N", 64});
  constant(graph, "matrix", {64, 64});
  graph.node("MatMul", {"x", "matrix"}, {"product"});
  constant(graph, "mask", {64});
  graph.node("Mod", {"product", "mask"}, {"y"});
  set_int(*graph.graph().mutable_node(1), "fmod", 1);
  graph.output("y");
  const auto model = load_ok(read_ok(graph), options_of(DType::f32));
  CHECK(model->weight_bytes() >= (64 * 64 + 64) * 4);
  LoadOptions options = options_of(DType::f32);
  options.account_limit = 64 * 64;
  cpu::CpuBackend backend;
  LoadReport report;
  const auto refused = backend.load(read_ok(graph), options, report);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == TrialStatus::out_of_memory);
}

// Which operations a runtime's layers are, and the table that is made of them.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/cli/layer_names.h"
#include "tuner/cli/layers.h"
#include "tuner/workload/work.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

Op op_of(const std::string& name, const std::string& operation, std::vector<std::string> inputs,
         double flops = 0) {
  Op op;
  op.name = name;
  op.kind = inputs.empty() ? OpKind::input : OpKind::foreign;
  op.operation = operation;
  op.inputs = std::move(inputs);
  op.output = {4, 2, 2};
  op.flops = flops;
  return op;
}

// A residual block as importers see it: two ways of convolutions with batch norms, joined.
Model imported_block() {
  Model model;
  model.name = "block";
  Op norm = op_of("b1", "BatchNormalization", {"c1"}, 8), relu = op_of("r1", "Relu", {"b1"}, 4);
  norm.fused = relu.fused = true;
  model.ops = {op_of("x", "", {}),
               op_of("c1", "Conv", {"x"}, 1000),
               norm,
               relu,
               op_of("c2", "Conv", {"r1"}, 2000),
               op_of("sum", "Add", {"c2", "x"}, 16),
               op_of("out", "Relu", {"sum"}, 16)};
  model.output = "out";
  return model;
}

std::vector<std::string> names(const Model& model, const std::vector<OpIndex>& ops) {
  std::vector<std::string> list;
  for (const OpIndex op : ops) list.push_back(model.ops[static_cast<std::size_t>(op)].name);
  return list;
}

std::vector<std::string> operations_of(const Model& model, const std::string& layer,
                                       const std::string& kind = "",
                                       const std::map<std::string, std::string>& nodes = {}) {
  const LayerNames known(model, nodes);
  return names(model, known.operations_of({{layer, kind, 1}}).front());
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("names of an exported model's nodes lead to its operations", "[cli][layers]") {
  const Model model = build_zoo_model("squeezenet").value();
  for (const char* layer : {"conv1", "conv1_nchwc", "conv1/Conv", "conv1/Conv/WithoutBiases",
                            "conv1_nchwc_token_12", "conv1/Conv/MatMulScaleFusion/",
                            "conv1/Conv/WithoutBiases+conv1/Relu"}) {
    INFO(layer);
    CHECK(operations_of(model, layer) == Names{"conv1"});
  }
  CHECK(operations_of(model, "fire2.expand1x1_nchwc") == Names{"fire2.expand1x1"});
  for (const char* layer : {"", "ReorderInput", "ReorderOutput_token_165", "conv11", "conv",
                            "image_abcd_acdb_conv1", "+", "Multiply_9004"}) {
    INFO(layer);
    CHECK(operations_of(model, layer).empty());
  }
  CHECK(operations_of(model, "conv1/Conv+pool1/MaxPool") == Names{"conv1", "pool1"});
}

TEST_CASE("nodes of a file have names of their own", "[cli][layers]") {
  const Model model = imported_block();
  const std::map<std::string, std::string> nodes{{"n1", "c1"}, {"n1/norm", "b1"}, {"n9", "gone"}};
  CHECK(operations_of(model, "n1", "Conv", nodes) == Names{"c1"});
  CHECK(operations_of(model, "n1/norm", "", nodes) == Names{"c1"});  // it is computed in passing
  CHECK(operations_of(model, "r1_nchwc", "Conv", nodes) == Names{"c1"});
  CHECK(operations_of(model, "n9", "", nodes).empty());
}

TEST_CASE("a product that lost its name is the one before what it was fused with",
          "[cli][layers]") {
  const Model model = imported_block();
  const LayerNames known(model, {});
  const auto found = known.operations_of({{"Multiply_1+r1", "Convolution+Relu", 1},
                                          {"Multiply_2+sum+out", "Convolution+Add+Relu", 1}});
  CHECK(names(model, found[0]) == Names{"c1"});
  CHECK(names(model, found[1]) == Names{"c2", "sum", "out"});
  // Not where another layer is that product already, nor for layers that are no products.
  const auto told = known.operations_of({{"c2", "Conv", 1}, {"Multiply_2+sum", "Convolution", 1}});
  CHECK(names(model, told[1]) == Names{"sum"});
  CHECK(operations_of(model, "sum", "Eltwise") == Names{"sum"});
}

TEST_CASE("times go to operations, with shares, rates and the roofline's bound", "[cli][layers]") {
  const Model model = imported_block();
  ProfiledLayers ours{{{{"cpu", DType::f32, 2, 1, {}}, 4}, 1e-3}, {}, {2e-6, 1e-6, 1e-6, 1e-6}};
  ours.profile.run = 9e-6;
  ours.profile.layers = {{"c1", "Conv", 4e-6}, {"c2", "Conv", 2e-6}, {"sum", "Add", 1e-6}, {"out", "Relu", 1e-6}};
  ProfiledLayers theirs{{{{"openvino", DType::f32, 2, 1, {}}, 4}, std::nullopt}, {}, {2e-6, 1e-6, 1e-6, 1e-6}};
  theirs.profile.layers = {{"reorder", "Reorder", 1e-6},
                           {"Multiply_1+r1", "Convolution+Relu", 5e-6},
                           {"Multiply_2+sum+out", "Convolution+Add+Relu", 4e-6}};
  ProfiledLayers none{{{{"command", DType::f32, 2, 1, {}}, 4}, std::nullopt}, {}, {}};
  const LayersReport report = layers_report(model, {ours, theirs, none}, 20);
  CHECK(report.batch == 4);
  REQUIRE(report.profiles.size() == 3);
  CHECK(report.profiles[0].sum == Approx(8e-6));
  CHECK(report.profiles[0].measured == 1e-3);
  CHECK(report.profiles[0].unmapped.empty());
  REQUIRE(report.profiles[1].unmapped.size() == 1);
  CHECK(report.profiles[1].unmapped[0].kind == "Reorder");
  CHECK(report.profiles[2].missing.find("layers") != std::string::npos);
  REQUIRE(report.rows.size() == 4);
  CHECK(report.rows[0].name == "c1");
  CHECK(report.rows[0].kind == "Conv");
  const auto& first = report.rows[0].figures;
  REQUIRE(first[0]);
  CHECK(first[0]->share == Approx(0.5));
  CHECK(*first[0]->flops == Approx(4 * 1000 / 4e-6));
  CHECK(*first[0]->roof == Approx(0.5));
  REQUIRE(first[1]);
  CHECK(first[1]->seconds == Approx(5e-6));
  CHECK_FALSE(first[2]);
  const auto& second = report.rows[1].figures;  // c2, with the sum and its activation there
  REQUIRE(second[1]);
  CHECK(second[1]->with == Names{"sum", "out"});
  CHECK(*second[1]->flops == Approx(4 * 2032 / 4e-6));
  CHECK(*second[1]->roof == Approx(3.0 / 4));
  CHECK(report.rows[2].name == "sum");
  CHECK_FALSE(report.rows[2].figures[1]);
}

TEST_CASE("the recommended batch of tune, and every batch of measure, is profiled on each backend",
          "[cli][layers]") {
  const auto trial = [](TrialId id, const char* backend, int threads, int instances,
                        std::int64_t batch, double throughput) {
    Trial made;
    made.id = id;
    made.candidate = {{backend, DType::f32, threads, instances, {}}, batch};
    made.measurement = Measurement{};
    made.measurement->throughput_undisturbed = throughput;
    made.measurement->undisturbed = 0.25;
    return made;
  };
  TuneReport report;
  report.record.header.command = "tune";
  report.conclusion.trials = {trial(1, "cpu", 2, 1, 1, 10), trial(2, "cpu", 2, 1, 8, 30),
                              trial(3, "cpu", 1, 2, 8, 40), trial(4, "onnxruntime", 2, 1, 4, 35),
                              trial(5, "openvino", 2, 1, 8, 5)};
  report.conclusion.trials[4].measurement.reset();
  report.conclusion.best = Best{};
  report.conclusion.best->trial = 2;
  auto batches = candidates_for_layers(report);
  REQUIRE(batches.size() == 1);
  REQUIRE(batches[0].size() == 2);
  CHECK(batches[0][0].candidate == Candidate{{"cpu", DType::f32, 1, 1, {}}, 8});
  CHECK_FALSE(batches[0][0].measured);  // that was of two instances
  CHECK(batches[0][1].candidate == Candidate{{"onnxruntime", DType::f32, 2, 1, {}}, 8});
  CHECK_FALSE(batches[0][1].measured);  // that was of another batch
  report.record.header.command = "measure";
  batches = candidates_for_layers(report);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0][0].measured == 0.25);
  report.conclusion.best.reset();
  report.record.header.command = "tune";
  CHECK(candidates_for_layers(report).empty());
}

TEST_CASE("a number of layers is a number from 1", "[cli][layers]") {
  for (const char* bad : {"0", "-1", "many", "3x", "99999999999"}) {
    INFO(bad);
    CHECK_FALSE(check_layers({true, bad}));
  }
  CHECK(check_layers({true, ""}));
  CHECK(check_layers({true, "5"}));
  CHECK_FALSE(check_layers({true, ""}, Format::csv));
  CHECK(check_layers({false, ""}, Format::csv));
}

// What the lines of --how-to-set are made of, from stored sessions.
#include "tuner/cli/how_to_set.h"

#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;

namespace {

// A session that has chosen batch 8 of `backend` on `device`.
TuneReport session_of(const std::string& model_name, const std::string& backend, const std::string& device,
                      bool simulated = false) {
  const auto model = load_model(model_name);
  REQUIRE(model);
  TuneReport report;
  SessionHeader& header = report.record.header;
  header.number = 12;
  header.model.name = model->name;
  header.model.dense_parameters = 25.5e6;
  header.model_json = write_model(*model);
  DeviceInfo info;
  info.name = device;
  info.backend = backend;
  info.simulated = simulated;
  header.devices = {info};
  Trial trial;
  trial.id = 3;
  trial.candidate.group.backend = backend;
  trial.candidate.batch = 8;
  report.conclusion.trials = {trial};
  report.conclusion.best = Best{3, backend, 8, true};
  return report;
}

HowToSet what_of(const TuneReport& report) {
  const auto what = how_to_set(report);
  if (!what) FAIL(to_string(what.error()));
  REQUIRE(*what);
  return **what;
}

}  // namespace

TEST_CASE("each backend is set in its own runtime", "[cli]") {
  const auto deployment = [](const char* backend, const char* device, bool simulated = false) {
    return what_of(session_of("mlp", backend, device, simulated)).deployment;
  };
  CHECK(deployment("cpu", "AMD EPYC") == Deployment::own_kernels);
  CHECK(deployment("onednn", "AMD EPYC") == Deployment::own_kernels);
  CHECK(deployment("onnxruntime", "AMD EPYC") == Deployment::onnxruntime);
  CHECK(deployment("openvino", "AMD EPYC") == Deployment::openvino);
  CHECK(deployment("command", "a command") == Deployment::command);
  CHECK(deployment("mydevice", "a device") == Deployment::plugin);
  CHECK(deployment("neuron", "trn1:core") == Deployment::neuron);
  CHECK(deployment("neuron", "something new") == Deployment::neuron);
  CHECK(deployment("simulated", "simulated trn2", true) == Deployment::neuron);
  CHECK(deployment("simulated", "simulated inferentia", true) == Deployment::inferentia);
  CHECK(deployment("simulated", "simulated device", true) == Deployment::simulated);
}

TEST_CASE("the compiler's name of a device is read from the device's", "[cli]") {
  CHECK(neuron_target("trn1:core") == "trn1");
  CHECK(neuron_target("trn1n") == "trn1n");
  CHECK(neuron_target("inferentia2") == "inf2");
  CHECK(neuron_target("trainium") == "trn1");
  CHECK(neuron_target("simulated trn3") == "trn3");
  CHECK(neuron_target("AMD EPYC") == "");
  CHECK(neuron_target("inferentia") == "");
}

TEST_CASE("inputs are given as a runtime takes them", "[cli]") {
  const HowToSet images = what_of(session_of("resnet-18", "openvino", "x"));
  REQUIRE(images.inputs.size() == 1);
  CHECK(images.inputs[0].shape == std::vector<std::int64_t>{3, 224, 224});  // channels first
  CHECK(images.file.empty());
  const HowToSet tokens = what_of(session_of("bert-base@seq=64", "openvino", "x"));
  CHECK(tokens.inputs[0].ids);
  CHECK(tokens.inputs[0].shape == std::vector<std::int64_t>{64});
  CHECK(tokens.inputs[0].vocabulary > 0);
}

TEST_CASE("a file keeps its order and its path", "[cli]") {
  TuneReport report = session_of("resnet-18", "onnxruntime", "x");
  auto model = load_model("resnet-18");
  model->file = ModelFile{"onnx", "/home/me/r.onnx", "digest", "N"};
  report.record.header.model_json = write_model(*model);
  const HowToSet what = what_of(report);
  CHECK(what.file == "/home/me/r.onnx");
  CHECK(what.batch_dim == "N");
  CHECK(what.inputs[0].shape == std::vector<std::int64_t>{224, 224, 3});  // as the file has it
}

TEST_CASE("a named variant has arguments of its own", "[cli]") {
  TuneReport report = session_of("mlp", "neuron", "trn1");
  report.record.header.settings.requested = {
      {"compiler_args", std::string("slow:-O1"), "--compiler-args"},
      {"compiler_args", std::string("fast:--auto-cast all"), "--compiler-args"}};
  report.conclusion.trials[0].candidate.group.variant = "fast";
  CHECK(what_of(report).compiler_arguments == "--auto-cast all");
  report.conclusion.trials[0].candidate.group.variant = "";
  report.record.header.settings.requested = {{"compiler_args", std::string("-O3"), "--compiler-args"}};
  CHECK(what_of(report).compiler_arguments == "-O3");
}

TEST_CASE("latency is strict where it was limited or asked for", "[cli]") {
  TuneReport report = session_of("mlp", "cpu", "x");
  CHECK_FALSE(what_of(report).strict_latency);
  report.record.header.wishes.latency_limits = {{LatencyMetric::p50, 0.1}};
  CHECK(what_of(report).strict_latency);
  report.record.header.wishes.latency_limits.clear();
  report.record.header.wishes.objective = Objective::latency;
  CHECK(what_of(report).strict_latency);
}

TEST_CASE("a session that has chosen nothing has no lines", "[cli]") {
  TuneReport report = session_of("mlp", "cpu", "x");
  report.conclusion.best.reset();
  const auto what = how_to_set(report);
  REQUIRE(what);
  CHECK_FALSE(*what);
  report = session_of("mlp", "cpu", "x");
  report.record.header.model_json = "{";
  CHECK_FALSE(how_to_set(report));
}

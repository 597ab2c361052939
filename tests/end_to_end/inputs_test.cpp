// Samples of a file and layers through the command line.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tests/support/npz.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/runtimes.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

// Of mlp@width=64: two samples.
std::string samples(float value) {
  return npz_bytes(
      {{"features", npy_bytes("<f4", "(2, 64)", bytes_of(std::vector<float>(128, value)))}});
}

std::vector<std::string> measure(const std::string& backend,
                                 const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"measure",    "mlp@width=64", "--backend",  backend,
                                     "--batches",  "2",            "--threads",  "1",
                                     "--budget",   "2s",           "--boundary", "none"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool is_there(const char* backend) {
  return find_runtime(*find_backend(backend)).has_value();
}

}  // namespace

TEST_CASE("the samples of a file are measured, and kept by digest", "[end_to_end][samples]") {
  fresh_database();
  const SamplesFile file(samples(0.5F));
  const Finished finished =
      run(measure("cpu", {"--input", file.path(), "--layers", "--format", "json"}));
  INFO(finished.err << finished.out);
  REQUIRE(finished.code == 0);
  const Json document = Json::parse(finished.out);
  const Json& effective = document.at("settings").at("effective");
  CHECK(effective.at("input") == file.path());
  CHECK(effective.at("input.samples") == 2);
  CHECK(effective.contains("input.digest"));
  const Json& layers = document.at("layers").at(0);
  CHECK(layers.at("profiles").at(0).at("missing").is_null());
  CHECK(layers.at("profiles").at(0).at("sum").get<double>() > 0);
  CHECK(layers.at("profiles").at(0).at("unmapped").empty());
  CHECK(layers.at("operations").size() == 4);  // of depth 4: one a layer
  for (const Json& operation : layers.at("operations"))
    CHECK(operation.at("figures").at(0).at("flops_per_second").get<double>() > 0);
}

TEST_CASE("a file that does not fit is one line, and nothing is measured", "[end_to_end][samples]") {
  fresh_database();
  const SamplesFile file(npz_bytes(
      {{"features", npy_bytes("<f4", "(2, 63)", bytes_of(std::vector<float>(126, 1)))}}));
  const Finished finished = run(measure("cpu", {"--input", file.path()}));
  CHECK(finished.code == 2);
  CHECK(finished.err.find("features.npy") != std::string::npos);
  CHECK(finished.err.find("(samples, 64)") != std::string::npos);
  CHECK(run(measure("cpu", {"--input", "/nowhere.npz"})).code == 2);
  CHECK(run(measure("cpu", {"--layers", "0"})).code == 2);
}

TEST_CASE("sessions on other samples are told apart by compare", "[end_to_end][samples]") {
  fresh_database();
  const SamplesFile one(samples(0.5F)), other(samples(0.25F));
  REQUIRE(run(measure("simulated", {"--input", one.path()})).code == 0);
  REQUIRE(run(measure("simulated", {"--input", other.path()})).code == 0);
  const Finished finished = run({"compare", "1", "2"});
  INFO(finished.err << finished.out);
  CHECK(finished.out.find("input.digest") != std::string::npos);
}

TEST_CASE("layers of a simulated device are the terms of its cost", "[end_to_end][layers]") {
  fresh_database();
  const Finished finished = run({"tune", "squeezenet", "--backend", "simulated", "--batches", "1:8",
                                 "--budget", "2s", "--layers", "4"});
  INFO(finished.err << finished.out);
  REQUIRE(finished.code == 0);
  CHECK(finished.out.find("layers of batch") != std::string::npos);
  CHECK(finished.out.find("% roof") != std::string::npos);
  CHECK(finished.out.find("not mapped: 0.0 %") != std::string::npos);
  CHECK(finished.out.find("=> ") > finished.out.find("not mapped"));
  CHECK(run({"tune", "mlp", "squeezenet", "--backend", "simulated", "--layers"}).code == 2);
}

TEST_CASE("layers of several backends stand side by side", "[end_to_end][layers][runtimes]") {
  std::string backends = "cpu";
  for (const char* runtime : {"onnxruntime", "openvino"})
    if (is_there(runtime)) backends += "," + std::string(runtime);
  if (backends == "cpu") BT_SKIP("neither ONNX Runtime nor OpenVINO is installed");
  fresh_database();
  const Finished finished = run({"measure", "squeezenet", "--backend", backends, "--batches", "1",
                                 "--budget", "2s", "--boundary", "none", "--layers",
                                 "--equal-settings", "--format", "json"});
  INFO(finished.err << finished.out);
  REQUIRE(finished.code == 0);
  const Json document = Json::parse(finished.out);
  CHECK(document.at("settings").at("effective").contains("equal.spinning"));
  const Json& layers = document.at("layers").at(0);
  for (std::size_t i = 0; i < layers.at("profiles").size(); ++i) {
    const Json& profile = layers.at("profiles").at(i);
    INFO(profile.dump());
    REQUIRE(profile.at("missing").is_null());
    double unmapped = 0;
    for (const Json& layer : profile.at("unmapped")) unmapped += layer.at("seconds").get<double>();
    CHECK(unmapped < 0.5 * profile.at("sum").get<double>());
    // Every convolution is found again.
    for (const Json& operation : layers.at("operations"))
      if (operation.at("kind") == "conv2d") CHECK(operation.at("figures").at(i).is_object());
  }
}

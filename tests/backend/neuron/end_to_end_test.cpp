// The program on the Neuron stand-ins, as a user runs it. The figures are the stand-ins': of no
// device.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t kCapacity = 20'000'000;  // bytes that the stand-in has; it says more
constexpr char kCores[] = "40-59";  // whose locks nobody else takes: enough for tests side by side

std::string stand_in() {
  return std::string("neuron:library=") + BT_NRT_STAND_IN + ",compiler=" + BT_NEURONX_CC_STAND_IN +
         ",cores=" + kCores;
}

void tell(const std::string& runtime, const std::string& compiler) {
  setenv("BATCHTUNE_NRT_STAND_IN", runtime.c_str(), 1);
  setenv("BATCHTUNE_NEURONX_CC_STAND_IN", compiler.c_str(), 1);
  setenv("XDG_CACHE_HOME", scratch("cache").c_str(), 1);
}

Json result_of(const std::vector<std::string>& arguments) {
  const Finished finished = run(arguments);
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  return Json::parse(finished.out);
}

}  // namespace

TEST_CASE("a model is tuned on the Neuron stand-in, to where its memory really ends",
          "[neuron][end_to_end]") {
  tell("latency=0.0001;stats=50000000;memory=" + std::to_string(kCapacity), "");
  const Json tuned =
      result_of({"tune", "mlp@width=64", "--backend", stand_in(), "--budget", "3s", "--soak", "0s",
                 "--boundary", "probed", "--probe-budget", "30s", "--format", "json"});
  CHECK(tuned["devices"][0]["name"] == "NeuronCore of inf2");
  CHECK(tuned["devices"][0]["version"].get<std::string>().find("a stand-in") != std::string::npos);
  CHECK(tuned["verdicts"][0]["batch"].get<int>() >= 1);
  int known = 0;
  for (const Json& trial : tuned["trials"]) {
    if (trial["memory_kind"].is_null()) continue;
    CHECK(trial["memory_kind"] == "device");
    ++known;
  }
  CHECK(known > 0);
  // Weights, code, and for each sample its input and twice its output: what the stand-in takes.
  const std::int64_t weights = tuned["model"]["parameters"].get<std::int64_t>() * 4;
  const Json& boundary = tuned["boundaries"][0];
  INFO(boundary.dump());
  CHECK(boundary["kind"] == "probed");
  CHECK(boundary["limiter"] == "device");
  const std::int64_t fits = boundary["largest_fitting"].get<std::int64_t>();
  const std::int64_t fails = boundary["smallest_failing"].get<std::int64_t>();
  CHECK(fails - fits <= fails / 50 + 1);
  const auto needs = [&](std::int64_t batch) {
    return weights + (1 << 20) + batch * (64 + 2 * 64) * 4;
  };
  CHECK(needs(fits) <= kCapacity);
  CHECK(needs(fails) > kCapacity);
}

TEST_CASE("what fails on the Neuron stand-in is told with the compiler's words",
          "[neuron][end_to_end]") {
  fresh_database();
  tell("", "hbm=120000");
  const Json measured = result_of({"measure", "mlp@width=64", "--backend", stand_in(), "--batches",
                                   "1,1000", "--format", "json"});
  const Json& large = measured["trials"][1];
  INFO(large.dump());
  CHECK(large["status"] == "out_of_memory");
  CHECK(large["reason"].get<std::string>().find("neuronx-cc says") != std::string::npos);
}

TEST_CASE("the compiler gets its further arguments from the command line", "[neuron][end_to_end]") {
  fresh_database();
  tell("", "");
  const Finished finished =
      run({"measure", "mlp@width=64", "--backend", stand_in(), "--compiler-args", "--auto-cast all",
           "--batches", "1", "--budget", "1s"});
  INFO(finished.err);
  CHECK(finished.code == 0);
  CHECK(finished.out.find("--auto-cast") != std::string::npos);
  CHECK(run({"tune", "mlp@width=64", "--neff", "m.neff"}).code == 2);
}

TEST_CASE("the Neuron backend keeps the contract of backends, on the stand-in",
          "[neuron][end_to_end]") {
  tell("latency=0.0005", "");
  const Finished checked = run({"backend-check", stand_in()});
  INFO(checked.out << checked.err);
  CHECK(checked.code == 0);
  CHECK(checked.out.find("failed") == std::string::npos);
}

TEST_CASE("without AWS's runtime a line says what to install", "[neuron][end_to_end]") {
  tell("", "");
  const Finished finished =
      run({"tune", "mlp@width=64", "--backend", "neuron:library=/nonexistent/libnrt.so.1"});
  CHECK(finished.code == 4);
  CHECK(finished.err.find("aws-neuronx-runtime-lib") != std::string::npos);
  CHECK(run({"list", "backends"}).out.find("neuron") != std::string::npos);
}

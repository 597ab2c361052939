// The program on the Neuron stand-ins, as a user runs it. The figures are the stand-ins': of no
// device.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t kNominal = 32'000'000;   // bytes that the stand-in says it has
constexpr std::int64_t kCapacity = 20'000'000;  // and that it has
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
  tell("device=trn1;slower=20;computed=1000;stats=" + std::to_string(kNominal) +
           ";memory=" + std::to_string(kCapacity),
       "");
  const Json tuned =
      result_of({"tune", "mlp@width=64", "--backend", stand_in(), "--budget", "3s", "--soak", "0s",
                 "--boundary", "probed", "--probe-budget", "30s", "--max-compiles", "none", "--format",
                 "json"});
  CHECK(tuned["devices"][0]["name"] == "NeuronCore of trn1");
  CHECK(tuned["settings"]["effective"]["memory_limit"] == kNominal);  // what the device says that it has
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
  std::cout << "boundary: " << fits << " fits, " << fails << " fails; true: "
            << (kCapacity - weights - (1 << 20)) / ((64 + 2 * 64) * 4) << "; by the nominal memory: "
            << (kNominal - weights - (1 << 20)) / ((64 + 2 * 64) * 4) << "\n";
}

TEST_CASE("several NeuronCores and executions in flight are groups of their own",
          "[neuron][end_to_end]") {
  fresh_database();
  tell("latency=0.002;host=0.0005", "");
  const std::vector<std::string> arguments{"measure",     "mlp@width=64", "--backend", stand_in(),
                                           "--cores",     "1,4",          "--in-flight", "1,2",
                                           "--batches",   "4",            "--budget",  "6s"};
  std::vector<std::string> as_json = arguments;
  as_json.insert(as_json.end(), {"--format", "json"});
  const Json measured = result_of(as_json);
  std::map<std::pair<int, int>, double> rates;  // by cores and instances
  for (const Json& trial : measured["trials"]) {
    CHECK((trial["status"] == "ok" || trial["status"] == "unstable"));  // few rounds
    rates[{trial["candidate"]["cores"].get<int>(), trial["candidate"]["instances"].get<int>()}] =
        trial["throughput"]["undisturbed"].get<double>();
  }
  REQUIRE(rates.size() == 4);
  CHECK(rates.at({4, 4}) > 2 * rates.at({1, 1}));
  CHECK(rates.at({4, 8}) > 2 * rates.at({1, 2}));
  const Finished told = run(arguments);
  INFO(told.out << told.err);
  CHECK(told.code == 0);
  const std::string text = unwrapped(told.out);
  CHECK(text.find("per core") != std::string::npos);
  CHECK(text.find("neuron.core ") != std::string::npos);  // those that the worker had
}

TEST_CASE("each way of compiling is measured with its output error", "[neuron][end_to_end]") {
  fresh_database();
  tell("latency=0.002", "");
  const std::vector<std::string> arguments{
      "measure", "mlp@width=64",   "--backend",       stand_in(),
      "--compiler-args", "base:", "--compiler-args", "bf16:--auto-cast all",
      "--batches", "4", "--budget", "3s"};
  std::vector<std::string> as_json = arguments;
  as_json.insert(as_json.end(), {"--format", "json"});
  const Json measured = result_of(as_json);
  std::map<std::string, double> rates;
  for (const Json& trial : measured["trials"])
    rates[trial["candidate"]["variant"].get<std::string>()] =
        trial["throughput"]["undisturbed"].get<double>();
  REQUIRE(rates.size() == 2);
  CHECK(rates.at("bf16") > 1.3 * rates.at("base"));  // the stand-in's are twice as fast
  const double error =
      measured["settings"]["effective"].at("neuron.output_error.f32.bf16").get<double>();
  CHECK(error > 0);
  CHECK(error < 0.01);
  const Finished told = run(arguments);
  INFO(told.out << told.err);
  const std::string text = unwrapped(told.out);
  CHECK(text.find("variant") != std::string::npos);
  CHECK(text.find("output error: of sample 0") != std::string::npos);
  CHECK(text.find("neuron f32, 1 thread, base") != std::string::npos);
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

TEST_CASE("a runtime that crashes or hangs costs one trial on the Neuron stand-in",
          "[neuron][end_to_end]") {
  const auto ending_of = [](const std::string& runtime) {
    fresh_database();
    tell(runtime, "");
    const Finished finished = run({"measure", "mlp@width=64", "--backend", stand_in(), "--batches",
                                   "2", "--timeout", "3s", "--budget", "1s", "--format", "json"});
    INFO(finished.err);
    return Json::parse(finished.out)["trials"][0];
  };
  const Json crashed = ending_of("segv=1"), hung = ending_of("hang=1");
  INFO(crashed.dump() << hung.dump());
  CHECK(crashed["status"] == "crashed");
  CHECK(hung["status"] == "timeout");
}

TEST_CASE("without AWS's runtime, device or compiler a line says what to install",
          "[neuron][end_to_end]") {
  const auto error_of = [](const std::string& backend) {
    const Finished finished = run({"tune", "mlp@width=64", "--backend", backend});
    INFO(finished.err);
    CHECK(finished.code == 4);
    CHECK(finished.out.empty());
    std::cout << finished.err;
    return finished.err;
  };
  const std::string cores = std::string(",cores=") + kCores;
  tell("", "");
  const std::string none = error_of("neuron:library=/nonexistent/libnrt.so.1" + cores);
  CHECK(none.find("aws-neuronx-runtime-lib") != std::string::npos);
  CHECK(std::count(none.begin(), none.end(), '\n') == 1);
  const std::string compiler = error_of(std::string("neuron:library=") + BT_NRT_STAND_IN + cores +
                                        ",compiler=/nonexistent/neuronx-cc");
  CHECK(compiler.find("pip install neuronx-cc") != std::string::npos);
  tell("init=2;log=Cannot find Neuron devices", "");
  CHECK(error_of(stand_in()).find("aws-neuronx-dkms") != std::string::npos);
  tell("init=1;log=NeuronCore(s) not available - Requested:1 Available:0", "");
  CHECK(error_of(stand_in()).find("Available:0") != std::string::npos);
  CHECK(run({"list", "backends"}).out.find("neuron") != std::string::npos);
}

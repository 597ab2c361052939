// Tuning on simulated accelerators, end to end: what a user types, the end of memory against the truth, compiling.
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tuner/backend/simulated/accelerator_cost.h"
#include "tuner/backend/simulated/accelerator_file.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

namespace {

Json tune(const std::string& model, const std::string& device, const Arguments& more) {
  Arguments arguments{"tune", model, "--backend", "simulated:" + device, "--instances", "1", "--soak", "0s",
                      "--budget", "180m", "--probe-budget", "720m", "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Finished finished = run(arguments);
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  return Json::parse(finished.out);
}

// As the formula has it, and as a user would compute it from what the device says.
struct Truth {
  std::int64_t fits = 0, by_nominal = 0;
};

Truth truth_of(const std::string& model_name, const simulated::Accelerator& device) {
  const Model model = build_zoo_model(model_name).value();
  CandidateGroup group;
  group.backend = "simulated";
  group.dtype = DType::bf16;
  group.dims = model.dims;
  return {simulated::largest_fitting(model, group, device, simulated::wall_of(device, 1)),
          simulated::largest_fitting(model, group, device, static_cast<Bytes>(device.said_memory))};
}

void check_boundary(const std::string& model, const std::string& spec,
                    const simulated::Accelerator& device) {
  fresh_database();
  const Json document =
      tune(model, spec + ",cache=" + scratch("programs"), {"--boundary", "probed", "--max-compiles", "none"});
  const Json& boundary = document.at("boundaries").at(0);
  const Truth truth = truth_of(model, device);
  WARN(model << " on simulated " << device.name << ": memory found to end at "
             << boundary.at("largest_fitting") << ", truly at " << truth.fits << ", by nominal memory at "
             << truth.by_nominal << "; deployed at batch " << document.at("best").at("batch"));
  INFO(boundary.dump());
  CHECK(boundary.at("kind") == "probed");
  CHECK(boundary.at("largest_fitting") == truth.fits);
  CHECK(boundary.at("smallest_failing") == truth.fits + 1);
  CHECK(truth.fits < truth.by_nominal);
  CHECK(document.at("simulated") == true);
  CHECK(document.at("trials").at(0).at("candidate").at("dtype") == "bf16");
}

}  // namespace

TEST_CASE("tuning on the simulated trn1 finds where memory truly ends, which is not where it says",
          "[end_to_end][simulated]") {
  check_boundary("resnet-50", "trn1", *simulated::find_accelerator("trn1"));
}

TEST_CASE("a described device is tuned like a built-in one", "[end_to_end][simulated]") {
  const std::string file = scratch("mydevice.json");
  std::ofstream(file)
      << R"({"schema_version": 1, "name": "small", "like": "inf2", "memory": 2.2e9, "said_memory": 3e9})";
  check_boundary("shufflenet-v2", file, simulated::read_accelerator_file(file).value());
}

TEST_CASE("the other simulated accelerators are tuned by name", "[end_to_end][simulated]") {
  for (const char* name : {"inferentia", "inf2", "trn2", "trn3"}) {
    fresh_database();
    INFO(name);
    const Json document = tune("shufflenet-v2", name, {"--batches", "1,2,4,8,16"});
    CHECK(document.at("simulated") == true);
    CHECK(document.at("devices").at(0).at("name").get<std::string>().find(
              std::string("simulated ") + name) == 0);
    CHECK(document.at("best").at("batch") > 1);
  }
}

TEST_CASE("minutes of compiling are virtual, and a cache spares them the next time",
          "[end_to_end][simulated]") {
  fresh_database();
  const std::string device = "trn1,cache=" + scratch("kept");
  const auto seconds = [](const Json& document) {
    double sum = 0;
    for (const Json& trial : document.at("trials")) sum += trial.at("prepare").get<double>();
    return sum;
  };
  const Arguments batches{"--batches", "1,2,4", "--boundary", "none"};
  const Json first = tune("resnet-50", device, batches);
  CHECK(seconds(first) > 3 * 3 * 60);
  const Json second = tune("resnet-50", device, batches);
  CHECK(seconds(second) < 10);
  CHECK(std::filesystem::exists(scratch("kept")));
}

TEST_CASE("a session's workers share what is compiled, and nothing is left of it",
          "[end_to_end][simulated]") {
  fresh_database();
  const Finished finished = run({"tune", "shufflenet-v2", "--backend", "simulated:trn1", "--format", "json"});
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  const Json document = Json::parse(finished.out);
  // Compiling again for a probe of memory would take more than all of the probes' budget.
  CHECK(document.at("boundaries").at(0).at("largest_fitting").is_number());
  const std::string uuid = document.at("session").at("uuid");
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path()))
    CHECK(entry.path().filename().string().find(uuid) == std::string::npos);
}

TEST_CASE("cores and executions in flight are tried on a simulated accelerator", "[end_to_end][simulated]") {
  fresh_database();
  const Finished finished = run({"measure", "resnet-50", "--backend", "simulated:trn1", "--cores", "1,2",
                                 "--in-flight", "1,2", "--batches", "8", "--budget", "60m", "--format", "json"});
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  std::map<std::pair<int, int>, double> rates;  // by cores and instances
  const Json document = Json::parse(finished.out);
  for (const Json& trial : document.at("trials")) {
    const Json& group = trial.at("candidate");
    rates[{group.at("cores"), group.at("instances")}] = trial.at("throughput").at("undisturbed");
  }
  REQUIRE(rates.size() == 4);
  CHECK((rates[{2, 2}] > 1.7 * rates[{1, 1}]));
  CHECK((rates[{2, 2}] < 2 * rates[{1, 1}]));
  CHECK((rates[{1, 2}] > 1.02 * rates[{1, 1}]));
  CHECK((rates[{2, 4}] > rates[{2, 2}]));
}

TEST_CASE("a device that does not exist is refused with those that do", "[end_to_end][simulated]") {
  const Finished finished = run({"tune", "mlp", "--backend", "simulated:trn9"});
  CHECK(finished.code == 2);
  CHECK(finished.err.find("inferentia, inf2, trn1, trn2, trn3") != std::string::npos);
  const std::string file = scratch("wrong.json");
  std::ofstream(file) << R"({"schema_version": 1, "name": "x", "like": "trn1", "memroy": 1})";
  const Finished wrong = run({"tune", "mlp", "--backend", "simulated:" + file});
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("memroy") != std::string::npos);
}

// Plans of training jobs and the lines of --how-to-set, through the command line.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

Arguments plan_of(const Arguments& more) {
  Arguments arguments{"plan", "bert-large"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Json planned(Arguments more, int code = 0) {
  more.insert(more.end(), {"--format", "json"});
  const Finished finished = run(plan_of(more));
  INFO(finished.err);
  CHECK(finished.code == code);
  return Json::parse(finished.out);
}

void refused(const Arguments& more, const std::string& message) {
  const Finished finished = run(plan_of(more));
  INFO(finished.err);
  CHECK(finished.code == 2);
  CHECK(finished.out.empty());
  CHECK(finished.err.find(message) != std::string::npos);
}

}  // namespace

TEST_CASE("a training job is planned by the guide's names", "[end_to_end][plan]") {
  const Json plan = planned({"--global-batch", "1024", "--data-parallel", "8", "--device", "trn1"});
  CHECK(plan.at("batches") == Json({{"global", 1024}, {"replica", 128}, {"worker", 128}}));
  CHECK(plan.at("chosen").at("micro_batch") == 64);
  CHECK(plan.at("chosen").at("steps") == 2);
  CHECK(plan.at("memory").at("source") == "a core of trn1");
  CHECK(plan.at("memory").at("total") == 16.0 * 1024 * 1024 * 1024);
  const Json limited = planned({"--global-batch", "1024", "--data-parallel", "8", "--memory-limit", "16GiB"});
  CHECK(limited.at("chosen") == plan.at("chosen"));
  CHECK(run(plan_of({"--global-batch", "1024", "--data-parallel", "8", "--device", "trn1", "--quiet"})).out == "64\n");
}

TEST_CASE("optimizer and data type change what fits", "[end_to_end][plan]") {
  const Arguments job{"--global-batch", "1024", "--data-parallel", "8", "--memory-limit", "16GiB"};
  const auto largest = [&](Arguments more) {
    more.insert(more.begin(), job.begin(), job.end());
    return planned(more).at("memory").at("largest_micro_batch").get<std::int64_t>();
  };
  const std::int64_t adam = largest({});
  CHECK(largest({"--optimizer", "sgd"}) > adam);
  CHECK(largest({"--optimizer-bytes", "4"}) == largest({"--optimizer", "adam-bf16"}));
  CHECK(largest({"--shard-optimizer"}) > adam);
  CHECK(largest({"--dtype", "f32"}) < adam / 2 + 1);
  CHECK(largest({"--tp", "2"}) > 2 * adam);
}

TEST_CASE("a job that no core has memory for ends with 1 and says what would help", "[end_to_end][plan]") {
  const Json plan = planned({"--global-batch", "1024", "--data-parallel", "8", "--memory-limit", "4GiB"}, 1);
  CHECK(plan.at("chosen").is_null());
  CHECK(plan.at("levers").size() >= 3);
  const Finished text = run(plan_of({"--global-batch", "64", "--memory-limit", "1GiB"}));
  CHECK(text.code == 1);
  CHECK(text.out.find("=> nothing fits: weights, gradients and optimizer state alone need") != std::string::npos);
  CHECK(run(plan_of({"--global-batch", "64", "--memory-limit", "1GiB", "--quiet"})).out == "none\n");
}

TEST_CASE("jobs that cannot be are refused with what can", "[end_to_end][plan]") {
  refused({"--global-batch", "1020", "--data-parallel", "8"}, "The nearest are 1016 and 1024");
  refused({"--global-batch", "0"}, "a global batch from 1");
  refused({"--global-batch", "8.5"}, "a whole number of samples");
  refused({"--global-batch", "64", "--data-parallel", "0"}, "--data-parallel");
  refused({"--global-batch", "64", "--data-parallel", "8", "--workers", "3"}, "--workers");
  refused({"--global-batch", "64", "--dtype", "int8"}, "is trained in");
  refused({"--global-batch", "64", "--optimizer", "adamax"}, "adam, adam-bf16, momentum, sgd");
  refused({"--global-batch", "64", "--optimizer", "adam", "--optimizer-bytes", "4"}, "Leave one of the two out");
  refused({"--global-batch", "64", "--device", "trn1", "--memory-limit", "1GiB"}, "Leave one of the two out");
  refused({"--global-batch", "64", "--device", "inferentia"}, "Give --memory-limit");
  refused({}, "--global-batch is required");
}

TEST_CASE("without a memory a plan lists and chooses nothing", "[end_to_end][plan]") {
  const Json plan = planned({"--global-batch", "64", "--data-parallel", "8"});
  CHECK(plan.at("chosen").is_null());
  CHECK(plan.at("splits").size() == 4);
  CHECK(plan.at("formula").is_null());
}

TEST_CASE("a session says how its batch is set", "[end_to_end][plan]") {
  fresh_database();
  REQUIRE(run(simulated_tune("1,2,4")).code == 0);
  const Finished text = run({"report", "--how-to-set"});
  CHECK(text.code == 0);
  CHECK(text.out.find("SIMULATED: mlp, session 1: how to set") == 0);
  CHECK(text.out.find("torch_neuronx.trace(model, example") != std::string::npos);
  CHECK(text.out.find("benchmark_app -m mlp.onnx") != std::string::npos);
  const Json document = Json::parse(run({"report", "--how-to-set", "--format", "json"}).out);
  CHECK(document.at("session") == 1);
  CHECK(document.at("how_to_set").size() >= 4);
  CHECK(run({"report", "--how-to-set", "--why"}).code == 2);
  CHECK(run({"report", "--how-to-set", "--quiet"}).code == 2);
  CHECK(run({"report", "--how-to-set", "--format", "csv"}).code == 2);
  // Limits that nothing keeps: there is no batch to set.
  const Finished none = run({"report", "--how-to-set", "--latency-limit", "p50=1ns"});
  CHECK(none.code == 1);
  CHECK(none.out.find("chosen no batch") != std::string::npos);
}

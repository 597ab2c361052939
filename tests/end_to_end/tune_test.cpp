// What tune says and how it ends, on the simulated device: its clock is virtual, so sessions take
// moments.
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

Arguments simulated(const std::string& parameters, const Arguments& more) {
  Arguments arguments{"tune",      "mlp",
                      "--backend", parameters.empty() ? "simulated" : "simulated:" + parameters,
                      "--threads", "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Json tune(const std::string& parameters, Arguments more, int code = 0) {
  more.insert(more.end(), {"--format", "json"});
  const Finished finished = run(simulated(parameters, more));
  INFO(finished.err);
  CHECK(finished.code == code);
  return Json::parse(finished.out);
}

Json trial_of(const Json& document, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch) return trial;
  FAIL("no trial of batch " << batch);
  return {};
}

}  // namespace

TEST_CASE("tune's JSON has every field of its contract", "[end_to_end]") {
  fresh_database();
  const Json document = tune("", {"--batches", "1:16", "--revision", "abc", "--label", "nightly"});
  CHECK(document.at("schema_version") == 1);
  CHECK(document.at("command") == "tune");
  CHECK(document.at("simulated") == true);
  for (const char* field : {"uuid", "number", "database", "ended", "anchor"})
    CHECK(document.at("session").contains(field));
  for (const char* field : {"name", "hash", "parameters", "flops_per_sample", "dense_parameters",
                            "dense_flops_per_sample"})
    CHECK(document.at("model").contains(field));
  for (const char* field : {"requested", "effective"})
    CHECK(document.at("settings").contains(field));
  REQUIRE(document.at("devices").size() == 1);
  REQUIRE(document.at("estimates").size() == 1);
  CHECK(document.at("estimates")[0].contains("formula"));
  const Json trial = document.at("trials")[0];
  for (const char* field : {"id", "candidate", "batch", "status", "reason", "visits", "samples",
                            "latency", "throughput", "ratio", "memory", "memory_kind", "prepare",
                            "front", "front_probability", "estimate", "limits"})
    CHECK(trial.contains(field));
  for (const char* field : {"undisturbed", "ci95", "p50", "p90", "p95", "p99", "p99_9", "max"})
    CHECK(trial.at("latency").contains(field));
  for (const char* field : {"kind", "limiter", "largest_fitting", "smallest_failing", "evidence"})
    CHECK(document.at("boundaries")[0].contains(field));
  for (const char* field :
       {"backend", "trial", "batch", "objective", "reason", "runner_up", "stability", "headroom"})
    CHECK(document.at("verdicts")[0].contains(field));
  for (const char* field : {"trial", "backend", "batch", "proven"})
    CHECK(document.at("best").contains(field));
}

TEST_CASE("several models in one call give results, and CSV one header", "[end_to_end]") {
  fresh_database();
  const Finished finished = run({"tune", "mlp", "squeezenet", "--backend", "simulated", "--threads",
                                 "2", "--batches", "1,2,4", "--format", "json"});
  REQUIRE(finished.code == 0);
  const Json document = Json::parse(finished.out);
  REQUIRE(document.at("results").size() == 2);
  CHECK(document.at("results")[1].at("model").at("name") == "squeezenet");

  const Finished csv = run({"tune", "mlp", "squeezenet", "--backend", "simulated", "--threads", "2",
                            "--batches", "1,2", "--format", "csv"});
  REQUIRE(csv.code == 0);
  std::size_t lines = 0;
  for (const char letter : csv.out) lines += letter == '\n';
  CHECK(lines == 1 + 4);
}

TEST_CASE("quiet prints the batch alone, and progress is silent in a pipe", "[end_to_end]") {
  fresh_database();
  const Finished finished = run(simulated("", {"--batches", "1:16:x2", "--quiet"}));
  CHECK(finished.code == 0);
  CHECK(finished.err.empty());
  CHECK(finished.out == std::to_string(std::stoi(finished.out)) + "\n");
}

TEST_CASE("the same seed gives the same session on the simulated device", "[end_to_end]") {
  fresh_database();
  Json first = tune("hump=8", {});
  fresh_database();  // a session corrects the estimates of the next one
  Json second = tune("hump=8", {});
  for (Json* document : {&first, &second}) {
    document->at("session").erase("uuid");
    document->at("session").erase("number");
    // Memory that the machine has to spare is no part of a simulated device's answer.
    CHECK(document->at("verdicts")[0].at("batch") > 0);
  }
  CHECK(first.at("trials") == second.at("trials"));
  CHECK(first.at("best") == second.at("best"));
}

TEST_CASE("how a candidate ends is told, and the rest is still measured", "[end_to_end]") {
  fresh_database();
  const Arguments batches{"--batches", "1,2,4,8", "--strategy", "exhaustive", "--timeout", "2s"};
  CHECK(trial_of(tune("crash=4", batches), 4).at("status") == "crashed");
  CHECK(trial_of(tune("abort=4", batches), 4).at("status") == "crashed");
  CHECK(trial_of(tune("wrong=4", batches), 4).at("status") == "wrong_result");
  const Json hanging = tune("hang=4", batches);
  CHECK(trial_of(hanging, 4).at("status") == "timeout");
  CHECK(trial_of(hanging, 8).at("status") == "ok");
  for (const Json& trial : hanging.at("trials"))
    CHECK((trial.at("status") == "ok") == trial.at("reason").get<std::string>().empty());
}

TEST_CASE("a caller that ignores SIGCHLD does not hide how a worker died", "[end_to_end]") {
  fresh_database();
  std::signal(SIGCHLD, SIG_IGN);  // is inherited
  Program program(
      simulated("crash=4", {"--batches", "1,4", "--strategy", "exhaustive", "--format", "json"}));
  std::signal(SIGCHLD, SIG_DFL);
  const Json trial = trial_of(Json::parse(program.wait().out), 4);
  CHECK(trial.at("status") == "crashed");
}

TEST_CASE("an absurd batch is answered, not died of", "[end_to_end]") {
  fresh_database();
  const Json document = tune("", {"--batches", "1,1000000000000", "--strategy", "exhaustive"});
  CHECK(trial_of(document, 1).at("status") == "ok");
  CHECK(document.at("trials").back().at("status") == "out_of_memory");
  CHECK(document.at("best").at("batch") == 1);
}

TEST_CASE("a memory limit below the weights is a finding: nothing fits", "[end_to_end]") {
  fresh_database();
  const Json document = tune("", {"--memory-limit", "1MiB"}, 1);
  CHECK(document.at("best").is_null());
  CHECK(document.at("verdicts")[0].at("trial").is_null());
  CHECK(document.at("boundaries")[0].at("largest_fitting") == 0);
  const Finished text = run(simulated("", {"--memory-limit", "1MiB"}));
  CHECK(text.code == 1);
  CHECK(text.out.find("=>") != std::string::npos);
}

TEST_CASE("the probed boundary is the one that every single probe finds", "[end_to_end]") {
  fresh_database();
  // The account is exact: weights and a workspace, then a fixed number of bytes per sample.
  const Json document = tune("", {"--memory-limit", "80MiB"});
  const Json boundary = document.at("boundaries")[0];
  CHECK(boundary.at("kind") == "probed");
  CHECK(boundary.at("limiter") == "account");
  const int fits = boundary.at("largest_fitting");
  CHECK(boundary.at("smallest_failing") == fits + 1);
  for (int batch = std::max(1, fits - 2); batch <= fits + 3; ++batch) {
    const Json one = tune("", {"--memory-limit", "80MiB", "--batches", std::to_string(batch)},
                          batch <= fits ? 0 : 1);
    INFO("batch " << batch);
    CHECK(one.at("best").is_null() == (batch > fits));
  }
}

TEST_CASE("limits decide the exit code: kept, unproven, broken", "[end_to_end]") {
  fresh_database();
  const Arguments batches{"--batches", "1,2,4", "--budget", "5s"};
  const auto with = [&](const char* limit) {
    Arguments all = batches;
    all.insert(all.end(), {"--latency-limit", limit});
    return all;
  };
  CHECK(tune("", with("p50=10s"), 0).at("best").at("proven") == true);
  CHECK(tune("", with("p99.9=10s"), 3).at("best").at("proven") == false);
  const Json broken = tune("", with("p50=1us"), 1);
  CHECK(broken.at("best").is_null());
  CHECK(broken.at("verdicts")[0].contains("nearest"));
}

TEST_CASE("report judges a stored session by other limits, without a device", "[end_to_end]") {
  fresh_database();
  const Json tuned = tune("", {"--batches", "1:32:x2"});
  const auto report = [](const Arguments& more) {
    Arguments arguments{"report", "last", "--format", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Json same = Json::parse(report({}).out);
  CHECK(same.at("trials") == tuned.at("trials"));
  CHECK(same.at("best") == tuned.at("best"));
  CHECK(Json::parse(report({"--give-up", "90%"}).out).at("best").at("batch") <
        tuned.at("best").at("batch"));
  CHECK(report({"--latency-limit", "p50=1us"}).code == 1);
  CHECK(report({"--memory-limit", "1MiB"}).code == 1);
  CHECK(report({"--latency-limit", "p99=10s"}).code == 3);
}

TEST_CASE("measure measures what it is given and recommends nothing", "[end_to_end]") {
  fresh_database();
  const Finished finished = run({"measure", "mlp", "--backend", "simulated", "--threads", "2",
                                 "--batches", "1,3,9", "--format", "json"});
  CHECK(finished.code == 0);
  const Json document = Json::parse(finished.out);
  CHECK(document.at("trials").size() == 3);
  CHECK(document.at("settings").at("effective").at("strategy") == "exhaustive");
  CHECK_FALSE(document.contains("best"));
  CHECK_FALSE(document.contains("verdicts"));
  const Finished text =
      run({"measure", "mlp", "--backend", "simulated", "--threads", "2", "--batches", "1,3"});
  CHECK(text.out.find("=>") == std::string::npos);
}

TEST_CASE("compare says what moved, and nothing when nothing did", "[end_to_end]") {
  fresh_database();
  tune("", {"--batches", "1,2,4"});
  tune("", {"--batches", "1,2,4"});
  const Finished finished = run({"compare", "last~1", "last", "--format", "json"});
  const Json document = Json::parse(finished.out);
  CHECK(document.at("pairs").size() == 3);
  CHECK(document.at("recommendation").at("moved") == false);
  CHECK(document.at("boundary").at("shrank") == false);
  CHECK((finished.code == 0 ||
         finished.code == 3));  // without reference programs nothing is conclusive
}

TEST_CASE("list sessions knows them all", "[end_to_end]") {
  fresh_database();
  tune("", {"--batches", "1,2"});
  const Json document = Json::parse(run({"list", "sessions", "--format", "json"}).out);
  REQUIRE(document.at("sessions").size() == 1);
  CHECK(document.at("sessions")[0].at("model") == "mlp");
  CHECK(document.at("sessions")[0].at("simulated") == true);
}

TEST_CASE("every list has rows", "[end_to_end]") {
  for (const char* what :
       {"models", "backends", "ops", "options", "formats", "strategies", "devices", "kernels"}) {
    INFO(what);
    const Finished finished = run({"list", what, "--format", "json"});
    CHECK(finished.code == 0);
    CHECK_FALSE(Json::parse(finished.out).at(what).empty());
  }
}

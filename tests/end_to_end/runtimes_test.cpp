// Installed runtimes through the command line; those that this machine lacks are skipped.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/runtimes.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

std::string why_not(const char* backend) {
  const auto found = find_runtime(*find_backend(backend));
  return found ? std::string() : to_string(found.error());
}

// Batch 1 and 4 of a small model with cpu beside: every trial runs, side by side in one session.
void check_measured(const std::string& backend) {
  fresh_database();
  const Finished finished =
      run({"measure", "mlp@width=128", "--backend", backend + ",cpu", "--batches", "1,4",
           "--threads", "1", "--budget", "3s", "--boundary", "none", "--format", "json"});
  INFO(finished.err << finished.out);
  REQUIRE(finished.code == 0);
  const Json document = Json::parse(finished.out);
  std::set<std::pair<std::string, int>> measured;
  for (const Json& trial : document.at("trials")) {
    const std::string status = trial.at("status");
    CHECK((status == "ok" || status == "unstable"));  // the latter on a busy machine
    CHECK(trial.at("latency").at("undisturbed").get<double>() > 0);
    measured.emplace(trial.at("candidate").at("backend").get<std::string>(),
                     trial.at("batch").get<int>());
  }
  CHECK(measured ==
        std::set<std::pair<std::string, int>>{{backend, 1}, {backend, 4}, {"cpu", 1}, {"cpu", 4}});
  const Json& effective = document.at("settings").at("effective");
  CHECK(effective.contains(backend + ".library"));
  CHECK(effective.contains(backend + ".version"));
}

}  // namespace

TEST_CASE("onnxruntime and cpu are measured in one session", "[end_to_end][runtimes]") {
  if (!why_not("onnxruntime").empty()) BT_SKIP(why_not("onnxruntime"));
  check_measured("onnxruntime");
}

TEST_CASE("openvino and cpu are measured in one session", "[end_to_end][runtimes]") {
  if (!why_not("openvino").empty()) BT_SKIP(why_not("openvino"));
  check_measured("openvino");
}

TEST_CASE("a library that is not there is one line, and no database is made",
          "[end_to_end][runtimes]") {
  for (const char* backend : {"onnxruntime", "openvino"}) {
    const Finished finished = run({"measure", "mlp", "--batches", "1", "--backend", backend,
                                   "--runtime-library", "/nowhere/lib.so"});
    CHECK(finished.code == 4);
    CHECK(finished.err.find("/nowhere/lib.so") != std::string::npos);
  }
}

TEST_CASE("list backends tells what is found and what is missing", "[end_to_end][runtimes]") {
  const Finished finished = run({"list", "backends", "--format", "json"});
  REQUIRE(finished.code == 0);
  std::set<std::string> names;
  const Json document = Json::parse(finished.out);
  for (const Json& backend : document.at("backends")) {
    names.insert(backend.at("name").get<std::string>());
    if (backend.at("simulated") == false)
      CHECK_FALSE(backend.at("found").get<std::string>().empty());
  }
  CHECK(names.contains("onnxruntime"));
  CHECK(names.contains("openvino"));
}

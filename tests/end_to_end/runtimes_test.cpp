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

TEST_CASE("openvino is measured in its own precision, unless told otherwise or levelled",
          "[end_to_end][runtimes]") {
  if (!why_not("openvino").empty()) BT_SKIP(why_not("openvino"));
  using Arguments = std::vector<std::string>;
  const auto measured = [](const Arguments& more) {
    fresh_database();
    Arguments arguments{"measure", "mlp@width=128", "--backend", "cpu,openvino", "--batches", "2",
                        "--threads", "1", "--budget", "2s", "--boundary", "none", "--format", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished finished = run(arguments);
    INFO(finished.err << finished.out);
    REQUIRE(finished.code == 0);
    return Json::parse(finished.out);
  };
  const auto dtype_in = [](const Json& document, const std::string& backend) {
    for (const Json& trial : document.at("trials"))
      if (trial.at("candidate").at("backend") == backend)
        return trial.at("candidate").at("dtype").get<std::string>();
    return std::string();
  };
  const Json own = measured({});
  const Json& effective = own.at("settings").at("effective");
  const std::string precision = effective.at("openvino.default_precision");
  CHECK(dtype_in(own, "cpu") == "f32");
  CHECK(dtype_in(own, "openvino") == (precision == "bf16" ? "bf16" : "f32"));
  CHECK(effective.at("openvino.precision") == dtype_in(own, "openvino"));
  if (precision == "bf16")
    CHECK(own.at("settings").at("origins").at("openvino.dtype") == "OpenVINO's default");
  CHECK(dtype_in(measured({"--equal-settings"}), "openvino") == "f32");
  CHECK(dtype_in(measured({"--dtype", "f32"}), "openvino") == "f32");
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

// A plugin in a session: beside other backends, in the store, and what it costs where it crashes,
// hangs or lies.
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

const std::string kFaulty = BT_FAULTY_PLUGIN;

Json measured(const std::string& backends, const std::string& budget = "2s") {
  const std::vector<std::string> arguments{"measure",   "mlp@width=64", "--backend",  backends,
                                           "--batches", "1,4,8",        "--threads",  "1",
                                           "--budget",  budget,         "--boundary", "none",
                                           "--timeout", "3s",           "--format",   "json"};
  const Finished finished = run(arguments);
  INFO(finished.err << finished.out);
  const Json document = Json::parse(finished.out, nullptr, false);
  REQUIRE(document.is_object());
  REQUIRE(document.contains("trials"));
  return document;
}

std::string status_of(const Json& document, const std::string& backend, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch && trial.at("candidate").at("backend") == backend)
      return trial.at("status");
  return "none";
}

bool was_measured(const std::string& status) {
  return status == "ok" || status == "unstable";  // the latter on a busy machine
}

}  // namespace

TEST_CASE("a plugin that crashes, hangs or lies at one batch costs that trial alone",
          "[end_to_end][plugin]") {
  const std::pair<const char*, const char*> faults[] = {
      {"crash_prepare@4", "crashed"}, {"crash_run@4", "crashed"},    {"hang@4", "timeout"},
      {"negative@4", "failed"},       {"unwritten@4", "failed"},     {"unterminated@4", "failed"},
      {"short@4", "wrong_result"},    {"overrun@4", "wrong_result"}, {"nan@4", "wrong_result"},
      {"batch", "wrong_result"}};
  for (const auto& [fault, status] : faults) {
    // A trial that is waited for has to be paid.
    const bool hangs = std::string(status) == "timeout";
    const Json document = measured(kFaulty + ":fault=" + fault, hangs ? "8s" : "2s");
    INFO(fault << ": " << document.at("trials").dump(1));
    CHECK(status_of(document, "faulty", 4) == status);
    CHECK(was_measured(status_of(document, "faulty", 1)));
    if (std::string(fault) != "batch") CHECK(was_measured(status_of(document, "faulty", 8)));
  }
}

TEST_CASE("a run that takes too long is cancelled before its worker is killed", "[end_to_end][plugin]") {
  const std::string told = scratch("cancelled");
  std::filesystem::remove(told);
  setenv("BT_FAULTY_PLUGIN_TOLD", told.c_str(), 1);
  const Json document = measured(kFaulty + ":fault=stuck@4", "8s");
  unsetenv("BT_FAULTY_PLUGIN_TOLD");
  INFO(document.at("trials").dump(1));
  CHECK(status_of(document, "faulty", 4) == "timeout");
  CHECK(was_measured(status_of(document, "faulty", 8)));
  CHECK(std::filesystem::exists(told));
}

TEST_CASE("a plugin is measured beside the cpu backend, and their outputs agree",
          "[end_to_end][plugin]") {
  fresh_database();
  const Json document = measured("cpu," + kFaulty + ":fault=none");
  for (const char* backend : {"cpu", "faulty"})
    for (const int batch : {1, 4, 8}) {
      INFO(backend << " " << batch << document.at("trials").dump(1));
      CHECK(was_measured(status_of(document, backend, batch)));
    }
  const Json& effective = document.at("settings").at("effective");
  CHECK(effective.at("faulty.library") == kFaulty);
  CHECK(effective.at("faulty.version") == "1.0");
  CHECK(effective.at("faulty.output_error.f32").get<double>() < 1e-3);
  CHECK(document.at("devices").at(1).at("backend") == "faulty");
}

TEST_CASE(
    "a plugin's memory limit is probed by its own account, and its answers stand in the store",
    "[end_to_end][plugin]") {
  fresh_database();
  const Finished tuned = run({"tune", "mlp@width=64", "--backend", kFaulty, "--threads", "1",
                              "--batches", "1:64:x2", "--memory-limit", "100KiB", "--budget", "1s",
                              "--probe-budget", "5s", "--soak", "0s", "--format", "json"});
  INFO(tuned.err << tuned.out);
  const Json document = Json::parse(tuned.out, nullptr, false);
  REQUIRE(document.is_object());
  const Json& boundary = document.at("boundaries").at(0);
  CHECK(boundary.at("limiter") == "account");
  // 65 KiB of weights and 768 bytes a sample in 100 KiB.
  CHECK(boundary.at("largest_fitting") == 46);
  const Finished listed = run({"list", "sessions", "--format", "json"});
  CHECK(Json::parse(listed.out).at("sessions").at(0).at("backend") == "faulty");
  CHECK(run({"report", "last"}).out.find("faulty") != std::string::npos);
}

TEST_CASE("a plugin can be named by a path from here, estimated and listed",
          "[end_to_end][plugin]") {
  const std::string here = std::filesystem::relative(kFaulty).string();
  const std::string path = here.find('/') == std::string::npos ? "./" + here : here;
  const Finished listed = run({"list", "devices", "--backend", path, "--format", "json"});
  INFO(listed.err << listed.out);
  REQUIRE(listed.code == 0);
  CHECK(Json::parse(listed.out).at("devices").at(0).at("description") == "faulty 1.0");
  CHECK(run({"estimate", "mlp", "--device", path, "--quiet"}).code == 0);
  CHECK(run({"list", "models", "--backend", path}).code == 2);
}

TEST_CASE("a plugin that cannot be loaded is one line and exit code 4", "[end_to_end][plugin]") {
  for (const std::string& backend :
       {std::string("/nowhere/libmine.so"), std::string("/proc/self/status/x.so"),
        std::string("/bin/sh/"), std::string(BT_OTHER_ABI_PLUGIN),
        kFaulty + ":fault=crash_describe", kFaulty + ":fault=open"}) {
    const Finished finished = run({"measure", "mlp", "--batches", "1", "--backend", backend});
    INFO(backend << ": " << finished.err);
    CHECK(finished.code == 4);
  }
  CHECK(run({"measure", "mlp", "--batches", "1", "--backend", kFaulty + ":odd=1"}).code == 2);
  CHECK(run({"measure", "mlp", "--batches", "1", "--backend", kFaulty + "," + kFaulty}).code == 2);
}

// batchtune backend-check: every built-in backend keeps the contract, and a plugin with a fault
// fails the rule that the fault breaks, and no other.
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/conformance/rule.h"
#include "tuner/cli/runtimes.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

struct Checked {
  int code = 0;
  std::map<std::string, std::string> verdicts;  // by rule
  std::string text;                             // what was printed
};

Checked check(const std::string& backend, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"backend-check", backend, "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Finished finished = run(arguments);
  Checked checked{finished.code, {}, finished.out + finished.err};
  INFO(checked.text);
  const Json document = Json::parse(finished.out, nullptr, false);
  REQUIRE(document.is_object());
  CHECK(document.at("command") == "backend-check");
  for (const Json& rule : document.at("rules"))
    checked.verdicts.emplace(rule.at("rule"), rule.at("verdict"));
  return checked;
}

void check_keeps_all(const std::string& backend, const std::vector<std::string>& more = {}) {
  const Checked checked = check(backend, more);
  INFO(checked.text);
  CHECK(checked.code == 0);
  CHECK(checked.verdicts.size() == conformance::rules().size());
  for (const auto& [rule, verdict] : checked.verdicts) {
    INFO(rule);
    CHECK(verdict != "failed");
  }
  CHECK(checked.verdicts.at("run") == "passed");
  CHECK(checked.verdicts.at("killed") == "passed");
}

std::string why_not(const char* backend) {
  const auto found = find_runtime(*find_backend(backend));
  return found ? std::string() : to_string(found.error());
}

}  // namespace

TEST_CASE("the cpu backend keeps the contract", "[end_to_end][conformance]") {
  check_keeps_all("cpu");
}

TEST_CASE("the cpu backend keeps the contract in bf16", "[end_to_end][conformance]") {
  check_keeps_all("cpu", {"--dtype", "bf16", "--threads", "1"});
}

TEST_CASE("the simulated device keeps the contract", "[end_to_end][conformance]") {
  check_keeps_all("simulated");
}

TEST_CASE("the simulated accelerators keep the contract", "[end_to_end][conformance][simulated]") {
  for (const char* name : {"inferentia", "inf2", "trn1", "trn2", "trn3"})
    check_keeps_all(std::string("simulated:") + name, {"--dtype", "bf16"});
}

TEST_CASE("oneDNN keeps the contract", "[end_to_end][conformance]") {
  const Finished opened = run({"list", "devices", "--backend", "onednn"});
  if (opened.code != 0) BT_SKIP("no backend onednn: " + opened.err);
  check_keeps_all("onednn");
}

TEST_CASE("ONNX Runtime keeps the contract", "[end_to_end][conformance][runtimes]") {
  if (!why_not("onnxruntime").empty()) BT_SKIP(why_not("onnxruntime"));
  check_keeps_all("onnxruntime");
}

TEST_CASE("OpenVINO keeps the contract", "[end_to_end][conformance][runtimes]") {
  if (!why_not("openvino").empty()) BT_SKIP(why_not("openvino"));
  check_keeps_all("openvino");
}

TEST_CASE("a command that says where its memory ends keeps the contract",
          "[end_to_end][conformance]") {
  const std::string program = scratch("ends.sh");
  std::ofstream(program) << "if [ $1 -gt 100000 ]; then echo 'CUDA out of memory' >&2; exit 1; fi\n"
                            "for i in $(seq $2); do echo '200 us'; done\n"
                            "sleep $(awk \"BEGIN { print 0.01 + $2 * 0.0002 }\")\n";
  check_keeps_all("command", {"--command", "sh " + program + " {batch} {n}"});
}

using Faults = std::vector<std::pair<const char*, const char*>>;  // with the rule that each breaks

void check_faults(const Faults& faults) {
  for (const auto& [fault, broken] : faults) {
    const Checked checked =
        check(std::string(BT_FAULTY_PLUGIN) + ":fault=" + fault, {"--timeout", "8s"});
    INFO(fault << ": " << checked.text);
    CHECK(checked.code == 1);
    for (const auto& [rule, verdict] : checked.verdicts) {
      INFO(rule);
      CHECK((verdict == "failed") == (rule == broken));
    }
  }
}

TEST_CASE("a plugin without a fault keeps the contract, and can be cancelled",
          "[end_to_end][conformance][plugin]") {
  const std::string sound = std::string(BT_FAULTY_PLUGIN) + ":fault=none";
  check_keeps_all(sound);
  CHECK(check(sound, {"--rule", "cancel"}).verdicts.at("cancel") == "passed");
}

TEST_CASE("a plugin that does not run fails that rule, and no other",
          "[end_to_end][conformance][plugin]") {
  check_faults(
      {{"crash_prepare", "run"}, {"crash_run@3", "run"}, {"hang", "run"}, {"no_model", "run"}});
}

TEST_CASE("a plugin with odd durations fails that rule, and no other",
          "[end_to_end][conformance][plugin]") {
  check_faults({{"negative", "durations"},
                {"zero", "durations"},
                {"too_long", "durations"},
                {"unwritten", "durations"}});
}

TEST_CASE("a plugin with wrong outputs fails the rule that they break, and no other",
          "[end_to_end][conformance][plugin]") {
  check_faults({{"short", "output"},
                {"overrun", "output"},
                {"nan", "output"},
                {"noise", "determinism"},
                {"constant", "input"},
                {"lazy", "input"},
                {"batch", "batches"},
                {"shared", "lifetime"},
                {"two_instances", "instances"}});
}

TEST_CASE("a plugin that is careless with memory fails the rule that it breaks, and no other",
          "[end_to_end][conformance][plugin]") {
  check_faults({{"leak", "repetition"},
                {"leak_files", "repetition"},
                {"shrinks", "memory"},
                {"understates", "memory"},
                {"negative_memory", "memory"},
                {"no_limit", "out_of_memory"},
                {"abort_oom", "out_of_memory"},
                {"after_oom", "out_of_memory"},
                {"failed_oom", "out_of_memory"}});
}

TEST_CASE(
    "a plugin that does not leave the machine alone fails the rule that it breaks, and no other",
    "[end_to_end][conformance][plugin]") {
  check_faults(
      {{"threads", "threads"}, {"spins", "quiet"}, {"deaf", "cancel"}, {"daemon", "killed"}});
}

TEST_CASE("backend-check tells usage, a backend that cannot be opened and one rule alone",
          "[end_to_end][conformance]") {
  CHECK(run({"backend-check"}).code == 2);
  CHECK(run({"backend-check", "gpu"}).code == 2);
  CHECK(run({"backend-check", "simulated", "--rule", "odd"}).code == 2);
  CHECK(run({"backend-check", "simulated", "--format", "csv"}).code == 2);
  CHECK(run({"backend-check", "/nowhere/libmine.so"}).code == 4);
  CHECK(check("simulated", {"--rule", "run,batches"}).verdicts.size() == 2);
  const Finished text = run({"backend-check", "simulated", "--rule", "output"});
  CHECK(text.code == 0);
  CHECK(text.out.find("passed    output         256 values a sample\n") != std::string::npos);
  CHECK(text.out.find("1 rule: 1 passed\n") != std::string::npos);
}

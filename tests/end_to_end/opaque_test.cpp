// Models whose operations nobody can read, through the command line: files of a runtime's own, and
// names for what a command runs. The simulated device and awk stand in for the runtimes where these
// are absent.
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/document.h"
#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/runtimes.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

const std::string kTinyOrt = BT_OPAQUE_DATA "tiny.ort", kFixedOrt = BT_OPAQUE_DATA "fixed.ort",
                  kTinyXml = BT_OPAQUE_DATA "tiny.xml", kFixedXml = BT_OPAQUE_DATA "fixed.xml";

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A program that prints 0.1 ms and 0.05 ms for each sample, and takes as long.
std::string command() {
  const std::string path = scratch("named.sh");
  std::ofstream(path) << "for i in $(seq $2); do echo \"$((100 + 50 * $1)) us\"; done\n"
                         "sleep $(awk \"BEGIN { print 0.02 + $2 * (100 + 50 * $1) / 1e6 }\")\n";
  return "sh " + path + " {batch} {n}";
}

void check_nothing_estimated(const Json& document) {
  CHECK(document.at("model").at("parameters").is_null());
  CHECK(document.at("model").at("flops_per_sample").is_null());
  for (const Json& estimate : document.at("estimates"))
    for (const char* said : {"batch", "bound", "formula"}) CHECK(estimate.at(said).is_null());
  for (const Json& trial : document.at("trials")) CHECK(trial.at("estimate").is_null());
}

std::string status_of(const Json& document, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch) return trial.at("status");
  return "none";
}

std::string why_not(const char* backend) {
  const auto found = find_runtime(*find_backend(backend));
  return found ? std::string() : to_string(found.error());
}

// Batches 1 and 4 of a file in the runtime that reads it, which is found without being named.
Json measured(const std::string& path) {
  fresh_database();
  const Finished finished = run({"measure", path, "--batches", "1,4", "--threads", "1", "--budget",
                                 "2s", "--boundary", "none", "--format", "json"});
  return document_of(finished);
}

void check_ran(const Json& document, int batch) {
  const std::string status = status_of(document, batch);
  CHECK((status == "ok" || status == "unstable"));  // the latter on a busy machine
}

}  // namespace

TEST_CASE("a file of a runtime's own is tuned, and nothing of it is made up",
          "[end_to_end][opaque]") {
  for (const char* strategy : {"doubling", "adaptive"}) {
    INFO(strategy);
    fresh_database();
    const Finished finished =
        run({"tune", kTinyXml, "--backend", "simulated", "--strategy", strategy, "--budget", "20s",
             "--format", "json"});
    const Json document = document_of(finished);
    CHECK(finished.code == 0);
    CHECK(document.at("model").at("name") == "tiny");
    check_nothing_estimated(document);
    CHECK(document.at("best").at("batch") > 1);
    CHECK(document.at("settings").at("effective").at("timeout") == 60);
    const Finished text = run({"report", "last"});
    CHECK(holds(text.out, "estimate   unknown"));
    CHECK(holds(text.out, "parameters and work unknown"));
    CHECK_FALSE(holds(text.out, "roofline"));
    const Finished why = run({"report", "last", "--why"});
    CHECK(why.code == 0);
    CHECK_FALSE(holds(why.out, "roofline said"));
  }
}

TEST_CASE("sessions of such a model can be resumed, followed, compared and listed",
          "[end_to_end][opaque]") {
  fresh_database();
  const std::vector<std::string> tune{"tune",     kTinyOrt, "--backend", "simulated",
                                      "--budget", "5s",     "--quiet"};
  REQUIRE(run(tune).code == 0);
  REQUIRE(run(tune).code == 0);
  CHECK(run({"compare", "1", "2"}).code != 2);
  CHECK(run({"tune", "--track", "last", "--quiet", "--budget", "5s"}).code == 0);
  CHECK(run({"tune", kTinyOrt, "--extend", "last", "--batches", "1:8", "--quiet", "--budget", "5s"})
            .code != 2);
  const Finished points = run({"points", "--model", kTinyOrt});
  CHECK(points.code == 0);
  CHECK(holds(points.out, "tiny"));
  CHECK_FALSE(holds(points.out, "model changed"));
  CHECK(run({"tune", kFixedOrt, "--track", "1", "--quiet"}).code == 2);  // another model
}

TEST_CASE("a name alone is tuned by a command, where nothing else is asked for",
          "[end_to_end][opaque][command]") {
  fresh_database();
  const Finished finished =
      run({"tune", "my-model", "--backend", "command", "--command", command(), "--dim", "seq=64",
           "--batches", "1,2,4", "--budget", "3s", "--soak", "0s", "--format", "json"});
  const Json document = document_of(finished);
  CHECK(finished.code == 0);
  CHECK(document.at("model").at("name") == "my-model@seq=64");
  CHECK(holds(finished.err, "nothing is estimated"));
  check_nothing_estimated(document);
  CHECK(document.at("best").at("batch") == 4);
  const Finished points = run({"points"});
  CHECK(holds(points.out, "my-model@seq=64"));
  CHECK_FALSE(holds(points.out, "STALE"));  // the machine is the same, and so are name and template
  CHECK(run({"tune", "--track", "last", "--quiet", "--budget", "2s", "--soak", "0s"}).code == 0);

  const Finished elsewhere = run({"tune", "resnet50", "--backend", "simulated"});
  CHECK(elsewhere.code == 2);
  CHECK(holds(elsewhere.err, "Did you mean resnet-50"));
  CHECK(run({"tune", "my-model", "--backend", "command,simulated", "--command", "true"}).code == 2);
}

TEST_CASE("what cannot be said of such a model is said so", "[end_to_end][opaque]") {
  const Finished described = run({"describe", kTinyOrt, "--dim", "seq=3"});
  CHECK(described.code == 0);
  CHECK(holds(described.out, "tiny@seq=3: ONNX Runtime's own format"));
  CHECK(holds(described.out, "operations unknown"));
  CHECK(holds(described.out, "seq"));
  CHECK_FALSE(holds(described.out, "FLOP"));
  const Json document = document_of(run({"describe", kTinyXml, "--format", "json"}));
  CHECK(document.at("operations").empty());
  CHECK(document.at("model").at("parameters").is_null());
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"estimate", kTinyXml},
                                             {"estimate", kTinyOrt, "--mode", "training", "--memory-limit",
                                              "16GiB"},
                                             {"export", kTinyOrt, "-o", scratch("never.onnx")}}) {
    const Finished refused = run(arguments);
    CHECK(refused.code == 2);
    CHECK(holds(refused.err, "a model whose operations can be read"));
  }
  const Finished cpu = run({"tune", kTinyXml, "--backend", "cpu"});
  CHECK(cpu.code == 2);
  CHECK(holds(cpu.err, "openvino"));
}

TEST_CASE("describe tells what the runtime says of a file of its own, or what is wrong",
          "[end_to_end][opaque][runtimes]") {
  for (const auto& [path, backend] : {std::pair{kTinyOrt, "onnxruntime"}, {kTinyXml, "openvino"}}) {
    INFO(path);
    const Finished described = run({"describe", path});
    const Json document = document_of(run({"describe", path, "--format", "json"}));
    CHECK(described.code == 0);
    const Json& declared = document.at("declared");
    if (!why_not(backend).empty()) {
      CHECK(holds(described.out, "trouble"));
      CHECK(declared.at("inputs").is_null());
      continue;
    }
    CHECK(holds(described.out, "inputs      x float [batch, 4]"));
    CHECK(declared.at("inputs") == "x float [batch, 4]");
    CHECK(holds(declared.at("outputs"), "float ["));
    CHECK(declared.at("trouble").is_null());
    const Json refused = document_of(run({"describe", path, "--dim", "seq=3", "--format", "json"}));
    CHECK(holds(refused.at("declared").at("trouble"), "no input has an open dimension called seq"));
    CHECK(holds(refused.at("declared").at("inputs"), "x float ["));
  }
}

TEST_CASE("a size by --dim is the same as a size behind MODEL's @", "[end_to_end]") {
  const Finished option = run({"describe", "bert-base", "--dim", "seq=7", "--format", "json"});
  const Finished name = run({"describe", "bert-base@seq=7", "--format", "json"});
  CHECK(option.code == 0);
  CHECK(option.out == name.out);
  CHECK(run({"estimate", "bert-base@seq=7", "--dim", "seq=8", "--device", "inferentia"}).code == 2);
  CHECK(run({"describe", "bert-base", "--dim", "sq=7"}).code == 2);
  CHECK(run({"describe", "bert-base", "--batch-axis", "N"}).code == 2);
  CHECK(run({"estimate", "--guide", "--dim", "seq=7"}).code == 2);
}

TEST_CASE("ONNX Runtime's own files run in it, a fixed batch alone where it is fixed",
          "[end_to_end][opaque][runtimes]") {
  if (!why_not("onnxruntime").empty()) BT_SKIP(why_not("onnxruntime"));
  const Json open = measured(kTinyOrt);
  check_ran(open, 1);
  check_ran(open, 4);
  check_nothing_estimated(open);
  CHECK(open.at("settings").at("effective").at("onnxruntime.inputs") == "x float [batch, 4]");
  CHECK(open.at("settings").at("origins").at("backend") == "reads .ort files");
  const Json fixed = measured(kFixedOrt);
  check_ran(fixed, 1);
  CHECK(status_of(fixed, 4) == "unsupported");
}

TEST_CASE("OpenVINO's own files run in it at any batch", "[end_to_end][opaque][runtimes]") {
  if (!why_not("openvino").empty()) BT_SKIP(why_not("openvino"));
  for (const std::string& path : {kTinyXml, kFixedXml}) {
    const Json document = measured(path);
    check_ran(document, 1);
    check_ran(document, 4);
    check_nothing_estimated(document);
  }
}

TEST_CASE("a runtime that a file needs and that is missing is named", "[end_to_end][opaque]") {
  const Finished finished = run({"measure", kTinyOrt, "--batches", "1", "--backend", "onnxruntime",
                                 "--runtime-library", "/nowhere/lib.so"});
  CHECK(finished.code == 4);
  CHECK(holds(finished.err, "/nowhere/lib.so"));
}

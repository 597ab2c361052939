// Runtimes that users install, as the command line knows them: options, the environment, defaults.
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/options.h"
#include "tuner/cli/runtimes.h"

using namespace batchtune;

namespace {

using Specs = std::vector<std::string>;

// An environment variable for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

std::string existing_file() {
  const std::string path = "/tmp/batchtune-runtimes-test.so";
  std::ofstream(path) << "x";
  return path;
}

Model model_of_file() {
  Model model;
  model.file = ModelFile{"onnx", "/models/a.onnx", "", ""};
  return model;
}

}  // namespace

TEST_CASE("backends come as a list, each with its own parameters", "[cli][runtimes]") {
  TuningOptions options;
  options.backends = {"onnxruntime:spinning=0,arena=1,cpu", "simulated"};
  const auto request = parse_tuning(options);
  REQUIRE(request);
  CHECK(request->backends == Specs{"onnxruntime:spinning=0,arena=1", "cpu", "simulated"});
  options.backends = {"cpu,cpu"};
  CHECK_FALSE(parse_tuning(options));
  options.backends = {"cpu,"};
  CHECK_FALSE(parse_tuning(options));
}

TEST_CASE("options of a runtime become its parameters", "[cli][runtimes]") {
  TuningOptions options;
  options.backends = {"cpu,onnxruntime:arena=0"};
  options.runtime_libraries = {"/opt/libonnxruntime.so"};
  options.runtime_options = {"spinning=0", "optimization=all"};
  const auto request = parse_tuning(options);
  REQUIRE(request);
  CHECK(request->backends ==
        Specs{"cpu",
              "onnxruntime:arena=0,library=/opt/libonnxruntime.so,spinning=0,optimization=all"});
  const auto again = parse_tuning(options_from(request->given));
  REQUIRE(again);
  CHECK(again->backends == request->backends);
}

TEST_CASE("options of a runtime need one that they are meant for", "[cli][runtimes]") {
  TuningOptions options;
  options.runtime_options = {"spinning=0"};
  options.backends = {"cpu"};
  CHECK(parse_tuning(options).error().where == "--runtime-option");
  options.backends = {"onnxruntime,openvino"};
  CHECK(to_string(parse_tuning(options).error()).find("onnxruntime and openvino") !=
        std::string::npos);
  options.backends = {"onnxruntime"};
  options.runtime_options = {"spinning"};
  CHECK_FALSE(parse_tuning(options));
}

TEST_CASE("the environment names a library where the spec names none", "[cli][runtimes]") {
  const Variable variable("BATCHTUNE_ONNXRUNTIME", "/opt/a.so");
  CHECK(with_library_of_environment("onnxruntime") == "onnxruntime:library=/opt/a.so");
  CHECK(with_library_of_environment("onnxruntime:arena=0") ==
        "onnxruntime:arena=0,library=/opt/a.so");
  CHECK(with_library_of_environment("onnxruntime:library=/b.so") == "onnxruntime:library=/b.so");
  CHECK(with_library_of_environment("openvino") == "openvino");
  CHECK(with_library_of_environment("cpu") == "cpu");
  CHECK(with_library_of_environment("nothing") == "nothing");
}

TEST_CASE("what the parent has found its workers need not look for", "[cli][runtimes]") {
  const Variable found("BATCHTUNE_OPENVINO_FOUND", "the package openvino of python3=/opt/o.so");
  CHECK(with_library_of_environment("openvino:dynamic=1") ==
        "openvino:dynamic=1,library=/opt/o.so,found=the package openvino of python3");
  CHECK(with_library_of_environment("openvino:library=/b.so") == "openvino:library=/b.so");
  CHECK(find_runtime(*find_backend("openvino"))->path == "/opt/o.so");
  const Variable named("BATCHTUNE_OPENVINO", "/opt/a.so");
  CHECK(with_library_of_environment("openvino") == "openvino:library=/opt/a.so");
  CHECK_FALSE(find_runtime(*find_backend("openvino")));  // what is named is never replaced
}

TEST_CASE("a file that one runtime reads is measured with that one", "[cli][runtimes]") {
  const Variable found("BATCHTUNE_ONNXRUNTIME", existing_file());
  Model model = model_of_file();
  model.file->format = "ort";
  TuningRequest request;
  REQUIRE(default_to_runtimes(model, request, true));
  CHECK(request.backends == Specs{"onnxruntime"});
  CHECK(options_from(request.given).backends == Specs{"onnxruntime"});
  const Variable lost("BATCHTUNE_OPENVINO", "/nowhere/libopenvino_c.so");
  model.file->format = "xml";
  TuningRequest missing;
  const auto refused = default_to_runtimes(model, missing, true);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::environment);
}

TEST_CASE("an ONNX file is measured with the runtimes that are found", "[cli][runtimes]") {
  const Variable found("BATCHTUNE_ONNXRUNTIME", existing_file());
  const Variable lost("BATCHTUNE_OPENVINO", "/nowhere/libopenvino_c.so");
  TuningRequest request;
  REQUIRE(default_to_runtimes(model_of_file(), request, true));
  CHECK(request.backends == Specs{"onnxruntime"});
  REQUIRE(request.given.size() == 1);
  CHECK(options_from(request.given).backends == Specs{"onnxruntime"});

  TuningRequest asked;
  asked.backends = {"cpu"};
  REQUIRE(default_to_runtimes(model_of_file(), asked, true));
  CHECK(asked.backends == Specs{"cpu"});

  TuningRequest of_zoo;
  REQUIRE(default_to_runtimes(Model{}, of_zoo, true));
  CHECK(of_zoo.backends.empty());
}

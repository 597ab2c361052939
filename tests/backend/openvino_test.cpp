// The openvino backend with the real library, where this machine has it ($BATCHTUNE_OPENVINO, the
// loader's folders, python3's package).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/backend/runtime_contract.h"
#include "tuner/backend/openvino/openvino_backend.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Result<FoundLibrary> real_library() {
  const char* named = std::getenv(openvino::kLibrary.variable);
  return find_library(openvino::kLibrary, named != nullptr ? named : "");
}

// BT_SKIP's condition and reason.
const std::string& why_not() {
  static const std::string reason = [] {
    const auto found = real_library();
    return found ? std::string() : to_string(found.error());
  }();
  return reason;
}

std::unique_ptr<Backend> real_backend(const std::string& parameters = "") {
  auto backend =
      openvino::create_backend("library=" + real_library()->path + parameters, onnx_for_runtime);
  INFO((backend ? "" : to_string(backend.error())));
  REQUIRE(backend);
  return std::move(*backend);
}

}  // namespace

TEST_CASE("parameters that OpenVINO's backend lacks are bad input", "[openvino]") {
  for (const char* bad : {"spinning=1", "hint=fast", "pinning=yes", "dynamic=2"}) {
    INFO(bad);
    const auto backend = openvino::create_backend(bad, onnx_for_runtime);
    REQUIRE_FALSE(backend);
    CHECK(backend.error().kind == ErrorKind::bad_input);
  }
}

TEST_CASE("a library without OpenVINO's functions is refused, and they are named", "[openvino]") {
  const auto backend =
      openvino::create_backend("library=" BT_ONNXRUNTIME_STAND_IN, onnx_for_runtime);
  REQUIRE_FALSE(backend);
  CHECK(backend.error().kind == ErrorKind::environment);
  CHECK(to_string(backend.error()).find("ov_core_create") != std::string::npos);
}

TEST_CASE("the real OpenVINO keeps the contract in f32", "[openvino][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  CHECK(backend->describe().version.starts_with("OpenVINO 20"));
  for (const char* name : {"mlp@width=64", "squeezenet"}) {
    INFO(name);
    const Model model = build_zoo_model(name).value();
    check_runtime_contract(*backend, model, DType::f32);
    check_runtime_instances(*backend, model);
  }
}

TEST_CASE("the real OpenVINO keeps the contract with its batch left open", "[openvino][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend(",dynamic=1");
  const Model model = build_zoo_model("squeezenet").value();
  check_runtime_contract(*backend, model, DType::f32);
  check_runtime_instances(*backend, model);
  LoadReport report;
  const auto loaded =
      load_in_runtime(*backend, model, options_of_runtime(DType::f32, 1, 1), &report);
  CHECK(loaded->shares_weights());
  CHECK(effective_of(report, "dynamic") == Value(true));
}

TEST_CASE("the real OpenVINO runs its own files at any batch", "[openvino][opaque][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  for (const char* parameters : {"", ",dynamic=1"})
    for (const char* name : {"tiny.xml", "fixed.xml"}) {
      INFO(name << parameters);
      const auto backend = real_backend(parameters);
      const Model model = load_model(std::string(BT_OPAQUE_DATA) + name).value();
      check_runtime_contract(*backend, model, DType::f32);
      check_runtime_instances(*backend, model);
      LoadReport report;
      (void)load_in_runtime(*backend, model, options_of_runtime(DType::f32, 1, 1), &report);
      CHECK(effective_of(report, "inputs") == Value(std::string("x float [batch, 4]")));
    }
}

TEST_CASE("OpenVINO finds weights beside a file whose batch had to be freed",
          "[openvino][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto model = load_model(BT_EXTERNAL_DATA "fixed.onnx");
  if (!model) BT_SKIP(to_string(model.error()));  // built without ONNX
  check_runtime_contract(*real_backend(), *model, DType::f32);
}

TEST_CASE("a file of OpenVINO's own that cannot be reshaped says what would help",
          "[openvino][opaque][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto loaded =
      load_in_runtime(*backend, load_model(BT_OPAQUE_DATA "baked.xml").value(), options);
  CHECK(output_in_runtime(*loaded, options.group, 1, 1).size() == 4);
  const auto program = loaded->prepare({options.group, 2});
  REQUIRE_FALSE(program);
  CHECK(program.error().status == TrialStatus::unsupported);
  CHECK(program.error().reason.find("made for batch 1") != std::string::npos);
  CHECK(program.error().evidence.find("Reshape") != std::string::npos);
}

TEST_CASE("an output of OpenVINO's own file need not have a name", "[openvino][opaque][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  namespace fs = std::filesystem;
  const fs::path path = fs::temp_directory_path() / "batchtune-nameless.xml";
  std::ostringstream text;
  text << std::ifstream(BT_OPAQUE_DATA "tiny.xml").rdbuf();
  const std::string named = " names=\"y\"";
  std::string content = text.str();
  REQUIRE(content.find(named) != std::string::npos);
  while (content.find(named) != std::string::npos)
    content.erase(content.find(named), named.size());
  std::ofstream(path) << content;
  fs::copy_file(BT_OPAQUE_DATA "tiny.bin", fs::path(path).replace_extension(".bin"),
                fs::copy_options::overwrite_existing);
  check_runtime_contract(*real_backend(), load_model(path.string()).value(), DType::f32);
}

TEST_CASE("the real OpenVINO computes in bf16 where the machine does, and says where not",
          "[openvino][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  const Model model = build_zoo_model("squeezenet").value();
  LoadReport report;
  const auto loaded = backend->load(model, options_of_runtime(DType::bf16, 2, 1), report);
  if (!loaded) {
    CHECK(loaded.error().status == TrialStatus::unsupported);
    CHECK(loaded.error().reason.find("not in bf16") != std::string::npos);
    return;
  }
  CHECK(effective_of(report, "precision") == Value(std::string("bf16")));
  const LoadOptions exact = options_of_runtime(DType::f32, 2, 1);
  const auto in_f32 = load_in_runtime(*backend, model, exact);
  const auto expected = output_in_runtime(*in_f32, exact.group, 2, 2);
  const CandidateGroup rounded = options_of_runtime(DType::bf16, 2, 1).group;
  const double difference = difference_of(expected, output_in_runtime(**loaded, rounded, 2, 2));
  CHECK(difference > in_f32->output_tolerance() / 100);  // it is no f32 by another name
  CHECK(difference <= (*loaded)->output_tolerance());
}

TEST_CASE("OpenVINO says what it computes in by itself, and computes in it", "[openvino][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  const auto own = backend->describe().default_dtype;
  if (!own) BT_SKIP("it computes in a type of its own here");
  LoadReport report;
  (void)load_in_runtime(*backend, build_zoo_model("mlp@width=64").value(),
                        options_of_runtime(*own, 1, 1), &report);
  CHECK(effective_of(report, "default_precision") == Value(std::string(name_of(*own))));
  CHECK(effective_of(report, "precision") == Value(std::string(name_of(*own))));
}

TEST_CASE("the real OpenVINO computes on the samples of a file", "[openvino][runtime][samples]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  for (const char* parameters : {"", ",dynamic=1"})
    for (const char* name : {"mlp@width=64", "squeezenet"})
      check_runtime_samples(*real_backend(parameters), build_zoo_model(name).value(), DType::f32);
}

TEST_CASE("the real OpenVINO tells its layers", "[openvino][runtime][profile]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  for (const char* parameters : {"", ",dynamic=1"}) {
    const auto layers =
        check_runtime_profile(*real_backend(parameters), build_zoo_model("squeezenet").value());
    // With its activation, which is computed in passing.
    CHECK(std::any_of(layers.begin(), layers.end(), [](const LayerTime& layer) {
      return layer.name.starts_with("conv1/Conv") &&
             layer.name.find("+conv1/Relu") != std::string::npos && layer.seconds > 0;
    }));
  }
}

TEST_CASE("what is in force is read back from OpenVINO", "[openvino][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend(",hint=latency,pinning=0,denormals=1");
  LoadReport report;
  (void)load_in_runtime(*backend, build_zoo_model("mlp@width=64").value(),
                        options_of_runtime(DType::f32, 1, 2), &report);
  CHECK(effective_of(report, "precision") == Value(std::string("f32")));
  CHECK(effective_of(report, "streams") == Value(std::string("2")));
  CHECK(effective_of(report, "inference_threads") == Value(std::string("2")));
  CHECK(effective_of(report, "hint") == Value(std::string("LATENCY")));
  CHECK(effective_of(report, "pinning") == Value(std::string("NO")));
  CHECK(effective_of(report, "denormals_as_zero") == Value(std::string("NO")));
  const Value own = effective_of(report, "default_precision");
  CHECK((own == Value(std::string("f32")) || own == Value(std::string("bf16")) ||
         own == Value(std::string("f16"))));
}

// The onnxruntime backend: with a stand-in library, whose failures are as ordered, and with the
// real one where this machine has it ($BATCHTUNE_ONNXRUNTIME, the loader's folders, python3's
// package).
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/backend/runtime_contract.h"
#include "tuner/backend/onnxruntime/onnxruntime_backend.h"
#include "tuner/backend/onnxruntime/profile.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/weights.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// What the stand-in library computes: y = 2 x, of four values.
Model doubling_model() {
  Model model;
  model.name = "doubling";
  Op x, y;
  x.name = "x";
  x.output = y.output = {4};
  y.name = "y";
  y.kind = OpKind::activation;
  y.inputs = {"x"};
  model.ops = {x, y};
  model.output = "y";
  return model;
}

// The stand-in's model text says how a session fails.
std::unique_ptr<Backend> stand_in(const std::string& fault = "", const std::string& more = "") {
  auto source = [fault](const Model&, std::uint64_t) -> Result<OnnxForRuntime> {
    OnnxForRuntime onnx;
    onnx.bytes = fault;
    onnx.inputs = {{"x", "x", 0, {}}};
    onnx.outputs = {{"y", "y", 0, {}}};
    return onnx;
  };
  auto backend =
      onnxruntime::create_backend("library=" BT_ONNXRUNTIME_STAND_IN + more, std::move(source));
  INFO((backend ? "" : to_string(backend.error())));
  REQUIRE(backend);
  return std::move(*backend);
}

Ending load_ending(const std::string& fault) {
  return refusal_of(*stand_in(fault), doubling_model(), options_of_runtime(DType::f32, 1, 1));
}

Ending prepare_ending(const std::string& fault, std::int64_t batch) {
  const auto backend = stand_in(fault);
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto loaded = load_in_runtime(*backend, doubling_model(), options);
  const auto program = loaded->prepare({options.group, batch});
  REQUIRE_FALSE(program);
  return program.error();
}

Result<FoundLibrary> real_library() {
  const char* named = std::getenv(onnxruntime::kLibrary.variable);
  return find_library(onnxruntime::kLibrary, named != nullptr ? named : "");
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
      onnxruntime::create_backend("library=" + real_library()->path + parameters, onnx_for_runtime);
  INFO((backend ? "" : to_string(backend.error())));
  REQUIRE(backend);
  return std::move(*backend);
}

}  // namespace

TEST_CASE("the stand-in runs through the backend as the contract wants", "[onnxruntime]") {
  const auto backend = stand_in();
  CHECK(backend->describe().version == "ONNX Runtime 0.0-stand-in");
  check_runtime_contract(*backend, doubling_model(), DType::f32);
  check_runtime_instances(*backend, doubling_model());
}

TEST_CASE("the output is the model's, of seeded samples", "[onnxruntime]") {
  const auto backend = stand_in();
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const Model model = doubling_model();
  const auto loaded = load_in_runtime(*backend, model, options);
  const auto output = output_in_runtime(*loaded, options.group, 3, 3);
  for (std::int64_t sample = 0; sample < 3; ++sample) {
    std::vector<float> input(4);
    fill_input(1, model.ops[0], sample, input);
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(output[static_cast<std::size_t>(sample) * 4 + i] == 2 * input[i]);
  }
}

TEST_CASE("a library that is too old is refused with both versions", "[onnxruntime]") {
  const auto backend =
      onnxruntime::create_backend("library=" BT_ONNXRUNTIME_OLD_STAND_IN, onnx_for_runtime);
  REQUIRE_FALSE(backend);
  const std::string text = to_string(backend.error());
  CHECK(backend.error().kind == ErrorKind::environment);
  CHECK(text.find("version 5") != std::string::npos);
  CHECK(text.find("ONNX Runtime 1.4.0") != std::string::npos);
}

TEST_CASE("what is no library of ONNX Runtime is refused in one line", "[onnxruntime]") {
  for (const char* path : {"/nowhere/libonnxruntime.so", "/proc/self/status"}) {
    const auto backend =
        onnxruntime::create_backend(std::string("library=") + path, onnx_for_runtime);
    REQUIRE_FALSE(backend);
    CHECK(backend.error().kind == ErrorKind::environment);
    CHECK(to_string(backend.error()).find(path) != std::string::npos);
    CHECK(to_string(backend.error()).find('\n') == std::string::npos);
  }
}

TEST_CASE("parameters that ONNX Runtime's backend lacks are bad input", "[onnxruntime]") {
  for (const char* bad : {"spin=1", "spinning=2", "optimization=most", "arena=yes"}) {
    INFO(bad);
    const auto backend = onnxruntime::create_backend(bad, onnx_for_runtime);
    REQUIRE_FALSE(backend);
    CHECK(backend.error().kind == ErrorKind::bad_input);
  }
}

TEST_CASE("memory that cannot be had is an answer, other faults are told as such",
          "[onnxruntime]") {
  const Ending loading = load_ending("memory=load");
  CHECK(loading.status == TrialStatus::out_of_memory);
  CHECK(loading.where == "host");
  CHECK(loading.evidence.find("requested buffer of size 4096") != std::string::npos);
  CHECK(load_ending("fail=load").status == TrialStatus::failed);
  CHECK(load_ending("fail=load").evidence.find('\n') == std::string::npos);
  CHECK(load_ending("cannot=load").status == TrialStatus::unsupported);
  CHECK(prepare_ending("memory=run", 1).status == TrialStatus::out_of_memory);
  CHECK(prepare_ending("memory=run@8", 8).status == TrialStatus::out_of_memory);
  CHECK(prepare_ending("fail=run", 1).status == TrialStatus::failed);
}

TEST_CASE("a batch that ran out of memory leaves the others usable", "[onnxruntime]") {
  const auto backend = stand_in("memory=run@8");
  const LoadOptions options = options_of_runtime(DType::f32, 1, 2);
  const auto loaded = load_in_runtime(*backend, doubling_model(), options);
  const auto small = prepare_instances(*loaded, options.group, 4);
  CHECK_FALSE(loaded->prepare({options.group, 8}));
  CHECK(small->run(2));
}

TEST_CASE("what ONNX Runtime has no way to do is unsupported, with the reason", "[onnxruntime]") {
  const auto backend = stand_in();
  CHECK(refusal_of(*backend, doubling_model(), options_of_runtime(DType::bf16, 1, 1)).status ==
        TrialStatus::unsupported);
  LoadOptions limited = options_of_runtime(DType::f32, 1, 1);
  limited.isa = "avx2";
  CHECK(refusal_of(*backend, doubling_model(), limited).reason.find("--isa") != std::string::npos);
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto loaded = load_in_runtime(*backend, doubling_model(), options);
  CHECK(loaded->prepare({options_of_runtime(DType::f32, 2, 1).group, 1}).error().status ==
        TrialStatus::unsupported);
  CHECK(loaded->prepare({options.group, 0}).error().status == TrialStatus::unsupported);
}

TEST_CASE("settings in force are told, with who decided", "[onnxruntime]") {
  LoadReport report;
  const LoadOptions options = options_of_runtime(DType::f32, 2, 1);
  (void)load_in_runtime(*stand_in("", ",spinning=0,optimization=basic"), doubling_model(), options,
                        &report);
  CHECK(effective_of(report, "spinning") == Value(false));
  CHECK(effective_of(report, "optimization") == Value(std::string("basic")));
  CHECK(effective_of(report, "arena") == Value(true));
  CHECK(effective_of(report, "intra_op_threads") == Value(std::int64_t{2}));
  CHECK(effective_of(report, "library") == Value(std::string(BT_ONNXRUNTIME_STAND_IN)));
  for (const Setting& setting : report.effective)
    if (setting.name == "arena") CHECK(setting.origin == "ONNX Runtime's default");
}

// A file in ONNX Runtime's own format, for the stand-in: its text says whether its batch is fixed.
Model own_file(const std::string& text) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("batchtune-stand-in-" + text + ".ort")).string();
  std::ofstream(path) << text;
  Model model;
  model.name = "own";
  model.file = ModelFile{"ort", path, "0", ""};
  return model;
}

TEST_CASE("a file that only ONNX Runtime can read runs by what it declares",
          "[onnxruntime][opaque]") {
  const auto backend = stand_in();
  const Model model = own_file("any");
  check_runtime_contract(*backend, model, DType::f32);
  check_runtime_instances(*backend, model);
  LoadReport report;
  (void)load_in_runtime(*backend, model, options_of_runtime(DType::f32, 1, 1), &report);
  CHECK(effective_of(report, "inputs") == Value(std::string("x float [batch, 4]")));
}

TEST_CASE("a file whose batch is fixed takes that one alone and says so",
          "[onnxruntime][opaque]") {
  const auto backend = stand_in();
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto loaded = load_in_runtime(*backend, own_file("1"), options);
  CHECK(output_in_runtime(*loaded, options.group, 1, 1).size() == 4);
  const auto program = loaded->prepare({options.group, 2});
  REQUIRE_FALSE(program);
  CHECK(program.error().status == TrialStatus::unsupported);
  CHECK(program.error().reason.find("takes batch 1 alone") != std::string::npos);
}

TEST_CASE("another runtime's own file is refused with what it is", "[onnxruntime][opaque]") {
  Model model = own_file("any");
  model.file->format = "xml";
  model.description = "OpenVINO's own format";
  const Ending ending = refusal_of(*stand_in(), model, options_of_runtime(DType::f32, 1, 1));
  CHECK(ending.status == TrialStatus::unsupported);
  CHECK(ending.reason.find("OpenVINO's own format") != std::string::npos);
}

TEST_CASE("the real ONNX Runtime runs its own files", "[onnxruntime][opaque][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  const Model model = load_model(BT_OPAQUE_DATA "tiny.ort").value();
  check_runtime_contract(*backend, model, DType::f32);
  check_runtime_instances(*backend, model);
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto fixed =
      load_in_runtime(*backend, load_model(BT_OPAQUE_DATA "fixed.ort").value(), options);
  CHECK(output_in_runtime(*fixed, options.group, 1, 1).size() == 3);
  CHECK_FALSE(fixed->prepare({options.group, 2}));
}

TEST_CASE("samples of a file reach the runtime", "[onnxruntime][samples]") {
  check_runtime_samples(*stand_in(), doubling_model(), DType::f32);
}

TEST_CASE("a profile is read run by run, the last ones count", "[onnxruntime][profile]") {
  const auto event = [](const std::string& name, const std::string& kind, int microseconds) {
    return R"({"cat":"Node","name":")" + name + R"(","dur":)" + std::to_string(microseconds) +
           R"(,"args":{"op_name":")" + kind + R"("}},)";
  };
  const std::string end = R"({"cat":"Session","name":"model_run","dur":9,"args":{}},)";
  std::string text = R"([{"cat":"Session","name":"session_initialization","dur":7,"args":{}},)";
  for (const int slow : {1000, 10, 30, 20})
    text += event("a_nchwc_kernel_time", "Conv", slow) + event("b_fence_before", "Relu", 5) +
            event("b_kernel_time", "Relu", 2) + event("b_kernel_time", "Relu", 1) + end;
  text.back() = ']';
  const auto layers = onnxruntime::read_profile(text, 3);
  REQUIRE(layers);
  REQUIRE(layers->size() == 2);
  CHECK((*layers)[0].name == "a_nchwc");
  CHECK((*layers)[0].kind == "Conv");
  CHECK((*layers)[0].seconds == Approx(20e-6));
  CHECK((*layers)[1].name == "b");
  CHECK((*layers)[1].seconds == Approx(3e-6));
  CHECK_FALSE(onnxruntime::read_profile(text, 5));
  for (const char* bad : {"", "{}", "[1]", "[", R"([{"name":7,"dur":"x"}])"}) {
    INFO(bad);
    CHECK_FALSE(onnxruntime::read_profile(bad, 1));
  }
  CHECK_FALSE(onnxruntime::read_profile_file("/nowhere/profile.json", 1));
}

TEST_CASE("the real ONNX Runtime tells its layers, and leaves no file", "[onnxruntime][runtime][profile]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  const auto layers = check_runtime_profile(*backend, build_zoo_model("squeezenet").value());
  CHECK(std::any_of(layers.begin(), layers.end(), [](const LayerTime& layer) {
    return layer.name.starts_with("conv1") && layer.kind.find("Conv") != std::string::npos;
  }));
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path()))
    CHECK(entry.path().filename().string().find("batchtune-profile-") == std::string::npos);
}

TEST_CASE("the real ONNX Runtime computes on the samples of a file", "[onnxruntime][runtime][samples]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  for (const char* name : {"mlp@width=64", "squeezenet"})
    check_runtime_samples(*backend, build_zoo_model(name).value(), DType::f32);
}

TEST_CASE("the real ONNX Runtime keeps the contract", "[onnxruntime][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  CHECK(backend->describe().version.starts_with("ONNX Runtime 1."));
  for (const char* name : {"mlp@width=64", "squeezenet"}) {
    INFO(name);
    const Model model = build_zoo_model(name).value();
    check_runtime_contract(*backend, model, DType::f32);
    check_runtime_instances(*backend, model);
  }
}

TEST_CASE("the real ONNX Runtime takes every option", "[onnxruntime][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const Model model = build_zoo_model("mlp@width=64").value();
  const LoadOptions options = options_of_runtime(DType::f32, 2, 1);
  std::vector<float> first;
  for (const char* more :
       {"", ",spinning=0", ",spinning=1,arena=0", ",optimization=disable", ",optimization=basic",
        ",optimization=extended", ",pinning=1", ",denormals=1", ",denormals=0"}) {
    INFO(more);
    const auto backend = real_backend(more);
    const auto loaded = load_in_runtime(*backend, model, options);
    const auto output = output_in_runtime(*loaded, options.group, 2, 2);
    if (first.empty()) first = output;
    CHECK(difference_of(first, output) <= loaded->output_tolerance());
  }
}

TEST_CASE("the real ONNX Runtime says no memory for a batch beyond all memory",
          "[onnxruntime][runtime]") {
  if (!why_not().empty()) BT_SKIP(why_not());
  const auto backend = real_backend();
  const Model model = build_zoo_model("mlp@width=64").value();
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto loaded = load_in_runtime(*backend, model, options);
  const auto program = loaded->prepare({options.group, std::int64_t{1} << 45});
  REQUIRE_FALSE(program);
  INFO(program.error().reason << "; " << program.error().evidence);
  CHECK(program.error().status == TrialStatus::out_of_memory);
  CHECK(output_in_runtime(*loaded, options.group, 2, 1).size() > 0);
}

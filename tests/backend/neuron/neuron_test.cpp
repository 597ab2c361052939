// The Neuron backend against stand-ins for libnrt and neuronx-cc: no device is here, and none of
// this says how fast one is.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"
#include "tuner/backend/neuron/device.h"
#include "tuner/backend/neuron/endings.h"
#include "tuner/backend/neuron/handles.h"
#include "tuner/backend/neuron/neuron_backend.h"
#include "tuner/workload/hlo/hlo.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

using namespace batchtune;
using namespace batchtune::neuron;
namespace fs = std::filesystem;

namespace {

constexpr char kRuntimeOptions[] = "BATCHTUNE_NRT_STAND_IN",
               kCompilerOptions[] = "BATCHTUNE_NEURONX_CC_STAND_IN";

// What the stand-ins are told, until it goes; and a folder that goes with it.
class Told {
 public:
  explicit Told(const std::string& runtime = "", const std::string& compiler = "") {
    std::string pattern = (fs::temp_directory_path() / "neuron-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    tell(runtime, compiler);
  }
  ~Told() {
    unsetenv(kRuntimeOptions);
    unsetenv(kCompilerOptions);
    fs::remove_all(folder_);
  }
  void tell(const std::string& runtime, const std::string& compiler) {
    setenv(kRuntimeOptions, runtime.c_str(), 1);
    setenv(kCompilerOptions, (compiler + ";calls=" + calls()).c_str(), 1);
  }
  std::string folder() const { return folder_.string(); }
  std::string calls() const { return (folder_ / "calls").string(); }
  std::ptrdiff_t compilations() const {
    std::ifstream file(calls());
    return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
  }

 private:
  fs::path folder_;
};

std::string parameters(const std::string& further = "") {
  return std::string("library=") + BT_NRT_STAND_IN + ",compiler=" + BT_NEURONX_CC_STAND_IN +
         (further.empty() ? "" : "," + further);
}

std::unique_ptr<Backend> opened(const std::string& further = "") {
  auto backend = create_backend(parameters(further));
  INFO((backend ? "" : to_string(backend.error())));
  REQUIRE(backend);
  return std::move(*backend);
}

Model small_model() {
  return load_model("mlp@width=64").value();
}

LoadOptions options_of(DType dtype = DType::f32) {
  LoadOptions options;
  options.group = {"neuron", dtype, 1, 1, small_model().dims};
  return options;
}

std::unique_ptr<LoadedModel> loaded(Backend& backend, DType dtype = DType::f32,
                                    LoadReport* seen = nullptr) {
  LoadReport report;
  auto model = backend.load(small_model(), options_of(dtype), report);
  INFO((model ? "" : model.error().reason + "; " + model.error().evidence));
  REQUIRE(model);
  if (seen != nullptr) *seen = report;
  return std::move(*model);
}

std::unique_ptr<Program> prepared(LoadedModel& model, std::int64_t batch,
                                  DType dtype = DType::f32) {
  auto program = model.prepare({options_of(dtype).group, batch});
  INFO((program ? "" : program.error().reason + "; " + program.error().evidence));
  REQUIRE(program);
  (*program)->set_input(1);
  return std::move(*program);
}

// How a model ends that is loaded, prepared and run three times.
Ending ending_of_life(const std::string& further = "") {
  const auto backend = opened(further);
  LoadReport report;
  const auto model = backend->load(small_model(), options_of(), report);
  if (!model) return model.error();
  const auto program = (*model)->prepare({options_of().group, 4});
  if (!program) return program.error();
  (*program)->set_input(1);
  const auto times = (*program)->run(3);
  if (!times) return times.error();
  const auto output = (*program)->read_output(4);
  return output ? Ending{} : output.error();
}

struct Failure {
  const char* runtime;
  const char* compiler;
  TrialStatus status;
  const char* where;
  const char* evidence;  // has this in it
};

}  // namespace

TEST_CASE("a model is compiled, loaded and run on the Neuron stand-in", "[neuron]") {
  const Told told("latency=0.0001");
  const auto backend = opened("cache=" + told.folder() + "/cache");
  LoadReport report;
  const auto model = loaded(*backend, DType::f32, &report);
  CHECK(model->load_seconds() > 0);
  const auto one = prepared(*model, 1);
  const RunTimes times = one->run(3).value();
  REQUIRE(times.seconds.size() == 3);
  CHECK(times.instance == std::vector<int>{0, 0, 0});
  CHECK(*std::min_element(times.seconds.begin(), times.seconds.end()) > 1e-4);
  const std::vector<float> expected = one->read_output(1).value();
  CHECK(static_cast<std::int64_t>(expected.size()) == elements(small_model().ops.back().output));

  SECTION("a sample is the same at every batch, another seed is another input") {
    const auto three = prepared(*model, 3);
    REQUIRE(three->run(1));
    const std::vector<float> all = three->read_output(3).value();
    REQUIRE(all.size() == 3 * expected.size());
    CHECK(std::equal(expected.begin(), expected.end(), all.begin()));
    CHECK_FALSE(std::equal(expected.begin(), expected.end(),
                           all.begin() + static_cast<std::ptrdiff_t>(expected.size())));
    three->set_input(2);
    REQUIRE(three->run(1));
    CHECK(three->read_output(3).value() != all);
  }
  SECTION("memory is the device's: weights once, tensors and what the core holds besides") {
    const auto eight = prepared(*model, 8);
    REQUIRE(eight->run(1));
    const MemoryUse small = one->memory(), large = eight->memory();
    CHECK(small.kind == MemoryKind::device);
    CHECK(small.weights == large.weights);
    CHECK(large.activations == 8 * small.activations);
    CHECK(large.workspace > small.workspace);
  }
  SECTION("settings say what was used") {
    std::vector<std::string> names;
    for (const Setting& setting : report.effective) names.push_back(setting.name);
    CHECK(names == std::vector<std::string>{"library", "version", "in_flight", "compiler",
                                            "compiler_arguments", "neff_cache"});
  }
  SECTION("bf16 is a program of its own") {
    const auto half = loaded(*backend, DType::bf16);
    const auto program = prepared(*half, 2, DType::bf16);
    REQUIRE(program->run(1));
    CHECK(program->read_output(2).value().size() == 2 * expected.size());
    CHECK(program->memory().weights * 2 == one->memory().weights);
  }
}

TEST_CASE("instances are executions in flight on one core", "[neuron]") {
  const Told told("host=0.002;latency=0.002");
  const auto backend = opened();
  const auto rate_of = [&](int in_flight, std::vector<float>& output) {
    LoadOptions options = options_of();
    options.group.instances = in_flight;
    LoadReport report;
    const auto model = backend->load(small_model(), options, report);
    REQUIRE(model);
    const auto program = (*model)->prepare({options.group, 2});
    REQUIRE(program);
    (*program)->set_input(1);
    const RunTimes times = (*program)->run(10).value();
    for (int i = 0; i < in_flight; ++i)
      CHECK(std::count(times.instance.begin(), times.instance.end(), i) == 10);
    output = (*program)->read_output(2).value();
    CHECK((*program)->memory().activations == in_flight * 2 * (64 + 64) * 4);
    std::vector<Seconds> seconds = times.seconds;
    std::sort(seconds.begin(), seconds.end());
    return in_flight / seconds[seconds.size() / 2];
  };
  std::vector<float> one, two;
  const double alone = rate_of(1, one), together = rate_of(2, two);
  CHECK(together > 1.2 * alone);  // twice the rate at best: what the host does is hidden
  REQUIRE(two.size() == 2 * one.size());
  for (std::size_t i = 0; i < two.size(); ++i) CHECK(two[i] == one[i % one.size()]);
}

TEST_CASE("a NeuronCore is described by AWS's figures and by what the runtime says", "[neuron]") {
  const Told told("family=8;stats=1000000;version=2.31.7");
  const DeviceInfo info = opened()->describe();
  CHECK(info.name == "NeuronCore of trn2, LNC=2");
  CHECK(info.version ==
        "libnrt 2.31.7 (a stand-in of batchtune's tests), neuronx-cc 2.99.0.1+standin");
  CHECK(info.memory_bytes == 1e6);
  CHECK(info.peaks.size() == 2);
  CHECK(describe_core(nullptr, std::nullopt).peaks.empty());
}

TEST_CASE("a program is compiled once for each batch, type and set of arguments", "[neuron]") {
  const Told told;
  const std::string cache = "cache=" + told.folder() + "/cache";
  const auto compile = [&](const std::string& further, std::int64_t batch) {
    const auto backend = opened(cache + further);
    const auto model = loaded(*backend);
    REQUIRE(prepared(*model, batch)->run(1));
    return told.compilations();
  };
  CHECK(compile("", 2) == 1);
  CHECK(compile("", 2) == 1);
  CHECK(compile("", 3) == 2);
  CHECK(compile(",arguments=--auto-cast all", 3) == 3);
  CHECK(compile(",target=trn1", 3) == 4);
  CHECK(compile(",arguments=--auto-cast all", 3) == 4);
  SECTION("and what a broken cache holds is made again") {
    for (const auto& entry : fs::recursive_directory_iterator(told.folder()))
      if (entry.path().filename() == "model.neff") fs::resize_file(entry.path(), 0);
    CHECK(compile("", 2) == 5);
  }
}

TEST_CASE("every failure of compiler and device has its ending", "[neuron]") {
  constexpr TrialStatus kNoMemory = TrialStatus::out_of_memory, kCannot = TrialStatus::unsupported,
                        kFailed = TrialStatus::failed, kCrashed = TrialStatus::crashed;
  const Failure failure = GENERATE_COPY(
      Failure{"", "", TrialStatus::ok, "", ""},
      // the device
      Failure{"memory=10000", "", kNoMemory, "device",
              "nrt_tensor_allocate gave NRT_RESOURCE (4); log: "},
      Failure{"memory=200000", "", kNoMemory, "device", "nrt_load gave NRT_RESOURCE (4); log: "},
      Failure{"allocate=4", "", kNoMemory, "device", "nrt_tensor_allocate gave NRT_RESOURCE (4)"},
      Failure{"load=4;log=TDRV Failed to allocate 1.000GB (usage: shared scratchpad)", "",
              kNoMemory, "device",
              "nrt_load gave NRT_RESOURCE (4); log: TDRV Failed to allocate 1.000GB"},
      Failure{"load=4;log=init_sp_resource failed ret=4", "", kFailed, "", "log: init_sp_resource"},
      Failure{"load=4;log=too many queue sets: 600", "", kFailed, "", "queue sets"},
      Failure{
          "execute=4;log=Failed to allocate 13.107MB (usage: dma rings)", "", kNoMemory, "device",
          "nrt_execute gave NRT_RESOURCE (4); log: Failed to allocate 13.107MB (usage: dma rings)"},
      Failure{"execute=4;execute_from=3", "", kNoMemory, "device", "nrt_execute"},
      Failure{"load=11", "", kNoMemory, "host", "NRT_FAIL_HOST_MEM_ALLOC (11)"},
      Failure{"load=10", "", kCannot, "", "NRT_UNSUPPORTED_NEFF_VERSION (10)"},
      Failure{"load=9", "", kCannot, "", "NRT_LOAD_NOT_ENOUGH_NC (9)"},
      Failure{"execute=5", "", TrialStatus::timeout, "", "NRT_TIMEOUT (5)"},
      Failure{"execute=6", "", kFailed, "", "NRT_HW_ERROR (6)"},
      Failure{"execute=101", "", kFailed, "", "NRT_EXEC_UNIT_UNRECOVERABLE (101)"},
      Failure{"execute=1201", "", kFailed, "", "HBM_UE"},
      Failure{"execute=1003", "", TrialStatus::wrong_result, "", "NUM_ERR"},
      Failure{"execute=1005", "", kFailed, "", "NC_BUSY"},
      Failure{"execute=4242", "", kFailed, "", "NRT_STATUS 4242"},
      Failure{"write=3", "", kFailed, "", "nrt_tensor_write gave NRT_INVALID_HANDLE (3)"},
      Failure{"read=1", "", kFailed, "", "nrt_tensor_read gave NRT_FAILURE (1)"},
      // the compiler
      Failure{"", "hbm=1000", kNoMemory, "compile", "NCC_EOOM002"},
      Failure{"",
              "error=[XCG815] Estimated peak HBM usage (22.839451) exceeds 16GB. Neff won't be "
              "able to load on chip",
              kNoMemory, "compile", "XCG815"},
      Failure{"",
              "error=ERROR: [NCC_EVRF009] Size of total input and output tensors exceeds HBM limit "
              "of Trainium2",
              kNoMemory, "compile", "NCC_EVRF009"},
      Failure{
          "",
          "log=[NCC_EXSP001] Size of HBM memory required for the model exceeds HBM limit of trn1",
          kNoMemory, "compile", "log-neuron-cc.txt: "},
      Failure{"",
              "error=[F137] neuronx-cc was forcibly killed - This most commonly occurs due to "
              "insufficient system memory",
              kNoMemory, "host", "F137"},
      Failure{"", "signal=9", kNoMemory, "host", "signal 9"},
      Failure{"", "error=[F139] neuronx-cc terminated abnormally", kCrashed, "", "F139"},
      Failure{"", "signal=11", kCrashed, "", "signal 11"},
      Failure{"", "error=[NCC_EVRF007] the number of instructions generated exceeds the limit",
              kCannot, "", "NCC_EVRF007"},
      Failure{"", "error=Compiler generated too many instructions (6888787)", kCannot, "",
              "6888787"},
      Failure{"", "error=NCC_EVRF024 Output tensor size exceeds 4GB", kCannot, "", "NCC_EVRF024"},
      Failure{"", "error=[GCA035] Instruction I-1 couldn't be allocated in SB", kCannot, "",
              "GCA035"},
      Failure{"", "error=[NCC_EARG001] LNC", kFailed, "", "NCC_EARG001"},
      Failure{"", "exit=70", kFailed, "", "exit status 70"},
      Failure{"", "exit=0", kFailed, "", ""});
  const Told told(failure.runtime, failure.compiler);
  INFO(failure.runtime << " " << failure.compiler);
  const Ending ending = ending_of_life();
  INFO(ending.reason << "; " << ending.evidence);
  CHECK(ending.status == failure.status);
  CHECK(ending.where == failure.where);
  CHECK(ending.evidence.find(failure.evidence) != std::string::npos);
  CHECK(ending.reason.empty() == (failure.status == TrialStatus::ok));
}

TEST_CASE("a compiler that is slow or says much is neither waited for nor blocked for ever",
          "[neuron]") {
  const Told told("", "sleep=60");
  const Ending ending = ending_of_life("compile_timeout=200ms");
  CHECK(ending.status == TrialStatus::timeout);
  Told other("", "flood=1000000");
  CHECK(ending_of_life().status == TrialStatus::ok);
}

TEST_CASE("names that the compiler has given by counting are understood", "[neuron]") {
  const Told told("", "names=counted");
  CHECK(ending_of_life().status == TrialStatus::ok);
}

TEST_CASE("NEFFs of the user's are run without a compiler", "[neuron]") {
  const Told told("", "names=counted");
  {
    const auto backend = opened("cache=" + told.folder() + "/cache");
    const auto model = loaded(*backend);
    for (const std::int64_t batch : {1, 4}) {
      const auto program = prepared(*model, batch);
      for (const auto& entry : fs::recursive_directory_iterator(told.folder() + "/cache"))
        if (entry.path().filename() == "model.neff" &&
            !fs::exists(told.folder() + "/m" + std::to_string(batch)))
          fs::rename(entry.path(), told.folder() + "/m" + std::to_string(batch));
    }
  }
  auto backend = create_backend(std::string("library=") + BT_NRT_STAND_IN +
                                ",compiler=/nonexistent,neff=" + told.folder() + "/m{batch}");
  REQUIRE(backend);
  const auto model = loaded(**backend);
  const auto one = prepared(*model, 1), four = prepared(*model, 4);
  REQUIRE(one->run(2));
  REQUIRE(four->run(1));
  const std::vector<float> expected = one->read_output(1).value(),
                           all = four->read_output(4).value();
  CHECK(all.size() == 4 * expected.size());
  const auto none = model->prepare({options_of().group, 2});
  REQUIRE_FALSE(none);
  CHECK(none.error().status == TrialStatus::unsupported);
  CHECK(none.error().reason.find("/m2") != std::string::npos);
  CHECK(create_backend("neff=m{batch},arguments=-O1").error().found == "both");
  CHECK(create_backend("neff=model.neff").error().wanted.find("{batch}") != std::string::npos);
}

TEST_CASE("what is missing for Neuron is said in a line with what to do", "[neuron]") {
  const auto error_of = [](const std::string& text) { return create_backend(text).error(); };
  const Error library = error_of("library=/nonexistent/libnrt.so.1");
  CHECK(library.kind == ErrorKind::environment);
  CHECK(library.wanted.find("libnrt.so.1") != std::string::npos);
  CHECK(library.todo.find("aws-neuronx-runtime-lib") != std::string::npos);
  const Error stranger = error_of(std::string("library=") + BT_NO_NRT);
  CHECK(stranger.found == "one without nrt_init");
  const Told told("init=2;log=Cannot find Neuron devices");
  const Error device = error_of(parameters());
  CHECK(device.found.find("nrt_init gave NRT_INVALID (2): Cannot find Neuron devices") !=
        std::string::npos);
  CHECK(device.todo.find("aws-neuronx-dkms") != std::string::npos);
  const Told none;
  const Error compiler =
      error_of(std::string("library=") + BT_NRT_STAND_IN + ",compiler=/nonexistent/neuronx-cc");
  CHECK(compiler.found == "the command was not found");
  CHECK(compiler.todo.find("pip install neuronx-cc") != std::string::npos);
  const Told old("family=1");
  CHECK(error_of(parameters()).todo.find("neff=") != std::string::npos);
  const Told unknown("family=77");
  CHECK(error_of(parameters()).todo.find("target=") != std::string::npos);
  CHECK(create_backend(parameters("cores=0,speed=3")).error().found == "\"speed=3\"");
}

TEST_CASE("tensors of 4 GiB are refused where the runtime would overflow", "[neuron]") {
  const std::size_t large = std::size_t{4} << 30;
  for (const auto& [version, status] :
       {std::pair{"2.29.9", TrialStatus::unsupported}, {"2.30.50", TrialStatus::out_of_memory}}) {
    const Told told(std::string("version=") + version);
    const auto library = Library::open(BT_NRT_STAND_IN);
    REQUIRE(library);
    const auto tensor = Tensor::allocate(**library, "x", large);
    REQUIRE_FALSE(tensor);
    CHECK(tensor.error().status == status);
  }
}

TEST_CASE("what is no candidate for Neuron is unsupported", "[neuron]") {
  const Told told;
  const auto backend = opened();
  LoadReport report;
  LoadOptions options = options_of(DType::f16);
  CHECK(backend->load(small_model(), options, report).error().status == TrialStatus::unsupported);
  options = options_of();
  options.isa = "avx2";
  CHECK(backend->load(small_model(), options, report).error().status == TrialStatus::unsupported);
  const auto model = loaded(*backend);
  CHECK(model->prepare({options_of().group, 0}).error().status == TrialStatus::unsupported);
}

// The Neuron backend against stand-ins for libnrt and neuronx-cc: no device is here, and none of
// this says how fast one is.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/backend/neuron/stand_ins.h"
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
using namespace batchtune::test;
namespace fs = std::filesystem;

TEST_CASE("a model is compiled, loaded and run on the Neuron stand-in", "[neuron]") {
  const Told told("latency=0.0001");
  const auto backend = opened(told.cache());
  LoadReport report;
  const auto model = loaded(*backend, options_of(), &report);
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
    CHECK(names == std::vector<std::string>{"library", "version", "cores", "in_flight", "compiler",
                                            "compiler_arguments", "neff_cache"});
  }
  SECTION("bf16 is a program of its own") {
    const auto half = loaded(*backend, options_of(DType::bf16));
    const auto program = prepared(*half, options_of(DType::bf16), 2);
    REQUIRE(program->run(1));
    CHECK(program->read_output(2).value().size() == 2 * expected.size());
    CHECK(program->memory().weights * 2 == one->memory().weights);
  }
}

TEST_CASE("a NeuronCore is described by AWS's figures and by what the runtime says", "[neuron]") {
  const Told told("family=8;stats=1000000;version=2.31.7");
  const DeviceInfo info = opened()->describe();
  CHECK(info.name == "NeuronCore of trn2, LNC=2");
  CHECK(info.version ==
        "libnrt 2.31.7 (a stand-in of batchtune's tests), neuronx-cc 2.99.0.1+standin");
  CHECK(info.memory_bytes == 1e6);
  CHECK(info.peaks.size() == 2);
  CHECK(describe_core(nullptr, std::nullopt, "").peaks.empty());
  SECTION("as it is joined of physical ones") {
    const DeviceInfo alone = opened("lnc=1")->describe();
    CHECK(alone.name == "NeuronCore of trn2, LNC=1");
    CHECK(2 * alone.peaks[0].flops_per_second == info.peaks[0].flops_per_second);
    LoadReport report;
    (void)loaded(*opened("lnc=1"), options_of(), &report);
    const auto said = std::find_if(report.effective.begin(), report.effective.end(),
                                   [](const Setting& one) { return one.name == "lnc"; });
    REQUIRE(said != report.effective.end());
    CHECK(said->value == Value(std::string("1")));
    CHECK(create_backend(stand_ins("lnc=3")).error().where == "neuron:lnc");
  }
}

TEST_CASE("names that the compiler has given by counting are understood", "[neuron]") {
  const Told told("", "names=counted");
  CHECK(ending_of_life().status == TrialStatus::ok);
}

TEST_CASE("NEFFs of the user's are run without a compiler", "[neuron]") {
  const Told told("", "names=counted");
  {
    const auto backend = opened(told.cache());
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
  CHECK_FALSE((*backend)->describe().compiles_elsewhere);
  CHECK(one->compile_seconds() == std::nullopt);
  LoadReport report;
  (void)loaded(**backend, options_of(), &report);
  CHECK(report.compiled == std::vector<std::int64_t>{1, 4});
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
  const Error device = error_of(stand_ins());
  CHECK(device.found.find("nrt_init gave NRT_INVALID (2): Cannot find Neuron devices") !=
        std::string::npos);
  CHECK(device.todo.find("aws-neuronx-dkms") != std::string::npos);
  const Told none;
  const Error compiler =
      error_of(std::string("library=") + BT_NRT_STAND_IN + ",compiler=/nonexistent/neuronx-cc");
  CHECK(compiler.found == "the command was not found");
  CHECK(compiler.todo.find("pip install neuronx-cc") != std::string::npos);
  const Told old("family=1");
  CHECK(error_of(stand_ins()).todo.find("neff=") != std::string::npos);
  const Told unknown("family=77");
  CHECK(error_of(stand_ins()).todo.find("target=") != std::string::npos);
  CHECK(create_backend(stand_ins("cores=0,speed=3")).error().found == "\"speed=3\"");
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

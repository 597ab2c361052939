// The onednn backend beside its arithmetic: account, instances, instruction sets, refusals.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "tests/backend/instances_contract.h"
#include "tests/backend/onednn_support.h"
#include "tuner/backend/onednn/lane_threads.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Model small() {
  return build_zoo_model("mlp@width=64,depth=1").value();
}

Ending refusal(const LoadOptions& options, const Model& model = small()) {
  onednn::OneDnnBackend backend({});
  LoadReport report;
  const auto loaded = backend.load(model, options, report);
  REQUIRE_FALSE(loaded);
  return loaded.error();
}

Value effective_of(const LoadReport& report, const std::string& name) {
  for (const Setting& setting : report.effective)
    if (setting.name == name) return setting.value;
  return {};
}

int allowed_cpus() {
  cpu_set_t set;
  REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
  return CPU_COUNT(&set);
}

}  // namespace

TEST_CASE("a program on oneDNN fits at exactly its own bytes and not at one less",
          "[onednn][memory]") {
  for (const int instances : {1, 2})
    for (const char* name : {"mlp@width=64", "squeezenet", "shufflenet-v2"}) {
      const Model model = build_zoo_model(name).value();
      LoadOptions options = onednn_options(DType::f32, 1, instances);
      const Candidate candidate{options.group, 3};
      const Bytes need =
          prepare_onednn(*load_onednn(model, options), options.group, 3)->memory().total();
      INFO(name << ", " << instances << " instances, needs " << need);
      options.account_limit = need;
      CHECK(load_onednn(model, options)->prepare(candidate));
      options.account_limit = need - 1;
      const auto refused = load_onednn(model, options)->prepare(candidate);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().status == TrialStatus::out_of_memory);
      CHECK(refused.error().where == "host");
      CHECK(refused.error().evidence.find(std::to_string(need) + " of " +
                                          std::to_string(need - 1)) != std::string::npos);
    }
}

TEST_CASE("what a program on oneDNN needs does not depend on those before it", "[onednn][memory]") {
  const Model model = build_zoo_model("squeezenet").value();
  LoadOptions options = onednn_options(DType::f32);
  const Bytes need =
      prepare_onednn(*load_onednn(model, options), options.group, 8)->memory().total();
  options.account_limit = need;
  const auto loaded = load_onednn(model, options);
  for (const std::int64_t batch : {1, 2, 8}) {  // weights in other formats make way
    const auto program = prepare_onednn(*loaded, options.group, batch);
    CHECK(program->memory().total() <= need);
    CHECK(program->memory().kind == MemoryKind::account);
  }
  CHECK_FALSE(loaded->prepare({options.group, 9}));
}

TEST_CASE("weights that pass the limit are out of memory when oneDNN loads them",
          "[onednn][memory]") {
  LoadOptions options = onednn_options(DType::f32);
  options.account_limit = 1 << 20;
  const Ending ending = refusal(options, build_zoo_model("mlp").value());
  CHECK(ending.status == TrialStatus::out_of_memory);
  CHECK(ending.reason == "no memory for weights of fc1");
}

TEST_CASE("an absurd batch on oneDNN is out of memory, not an overflow", "[onednn][memory]") {
  const LoadOptions options = onednn_options(DType::f32);
  const auto model = load_onednn(small(), options);
  for (const std::int64_t batch : {std::int64_t{1'000'000'000'000}, std::int64_t{INT64_MAX}}) {
    const auto program = model->prepare({options.group, batch});
    REQUIRE_FALSE(program);
    CHECK(program.error().status == TrialStatus::out_of_memory);
  }
  for (const std::int64_t batch : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN})
    CHECK(model->prepare({options.group, batch}).error().status == TrialStatus::unsupported);
}

TEST_CASE("the onednn backend keeps the contract of instances", "[onednn][instances]") {
  onednn::OneDnnBackend backend({});
  for (const int threads : {1, 2})
    check_instances_contract(backend, small(), onednn_options(DType::f32, threads));
}

TEST_CASE("lanes are as many threads as asked for, on the CPUs that they were given",
          "[onednn][instances]") {
  const int cpus = allowed_cpus();
  if (cpus < 2) BT_SKIP("one CPU alone");
  for (const int threads : {1, 2, 1, 2}) {
    const auto own = onednn::cpus_of_instances(cpus / threads, threads);
    REQUIRE(own.size() == static_cast<std::size_t>(cpus / threads));
    onednn::Lanes lanes(threads, own.back());
    CHECK(lanes.pinned());
    std::mutex mutex;
    std::set<int> seen;
    lanes.within([&] {
      for (int again = 0; again < 20; ++again)
        lanes.for_each(64, [&](std::int64_t) {
          const std::scoped_lock lock(mutex);
          seen.insert(sched_getcpu());
        });
    });
    for (const int cpu : seen)
      CHECK(std::find(own.back().begin(), own.back().end(), cpu) != own.back().end());
    CHECK(seen.size() <= static_cast<std::size_t>(threads));
  }
  CHECK(allowed_cpus() == cpus);  // the caller has its own back
}

TEST_CASE("a team of lanes does every chunk once, on lanes whose chunks never overlap",
          "[onednn][instances]") {
  for (const int threads : {1, 2, 3}) {
    onednn::Lanes lanes(threads, {});
    onednn::LaneThreads of_team(lanes);
    kernels::Team team(of_team, threads);
    std::vector<std::atomic<int>> runs(500), busy(static_cast<std::size_t>(threads));
    std::atomic<int> faults = 0;
    lanes.within([&] {
      team.for_each(std::ssize(runs), [&](std::int64_t chunk, int lane) {
        if (busy.at(static_cast<std::size_t>(lane)).fetch_add(1) != 0) ++faults;
        ++runs[static_cast<std::size_t>(chunk)];
        busy.at(static_cast<std::size_t>(lane)).fetch_sub(1);
      });
    });
    CHECK(faults == 0);
    CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& count) { return count == 1; }));
  }
}

TEST_CASE("instances of oneDNN have CPUs that no other one has", "[onednn][instances]") {
  const int cpus = allowed_cpus();
  if (cpus < 2) BT_SKIP("one CPU alone");
  std::set<int> all;
  for (const std::vector<int>& own : onednn::cpus_of_instances(cpus, 1)) {
    REQUIRE(own.size() == 1);
    CHECK(all.insert(own.front()).second);
  }
  CHECK(onednn::cpus_of_instances(cpus, 2).back().size() == 2);  // more than there are: shared
}

TEST_CASE("a profile has the time of every step, and the run after it is as before", "[onednn]") {
  const LoadOptions options = onednn_options(DType::f32);
  const auto model = load_onednn(build_zoo_model("squeezenet").value(), options);
  const auto program = prepare_onednn(*model, options.group, 2);
  REQUIRE(program->run(1));
  const std::vector<float> before = program->read_output(2).value();
  const std::vector<LayerTime> layers = program->profile(3).value();
  REQUIRE(layers.size() > 30);
  for (const LayerTime& layer : layers) {
    CHECK(layer.seconds > 0);
    CHECK_FALSE(layer.name.empty());
  }
  CHECK(std::any_of(layers.begin(), layers.end(),
                    [](const LayerTime& layer) { return layer.kind.find("conv2d ") == 0; }));
  REQUIRE(program->run(1));
  CHECK(program->read_output(2).value() == before);
}

TEST_CASE("what was settled about oneDNN is reported", "[onednn]") {
  LoadReport report;
  onednn::OneDnnBackend backend(onednn::parse_settings("spinning=20000").value());
  REQUIRE(backend.load(small(), onednn_options(DType::f32, 1), report));
  CHECK(effective_of(report, "threads") == Value(std::int64_t{1}));
  CHECK(effective_of(report, "instances") == Value(std::int64_t{1}));
  CHECK(effective_of(report, "spinning") == Value(std::string("20000")));
  CHECK(to_string(effective_of(report, "version")).find("oneDNN ") == 0);
  CHECK(effective_of(report, "isa") != Value());
  CHECK_FALSE(onednn::parse_settings("spin=1"));
  const DeviceInfo info = backend.describe();
  CHECK(info.backend == "onednn");
  CHECK(info.version.find("oneDNN ") == 0);
  CHECK(info.isa_in_use.size() == 2);
}

// A process settles it once; another one is refused then, not ignored.
TEST_CASE("another instruction set than the process has settled is unsupported", "[onednn]") {
  REQUIRE(load_onednn(small(), onednn_options(DType::f32)));
  LoadOptions options = onednn_options(DType::f32);
  options.isa = "avx2";
  CHECK(refusal(options).status == TrialStatus::unsupported);
  CHECK(refusal(options).reason.find("once per process") != std::string::npos);
}

TEST_CASE("what the onednn backend cannot do is unsupported, with the reason", "[onednn]") {
  for (const DType dtype : {DType::f16, DType::int8, DType::tf32, DType::fp8}) {
    const Ending ending = refusal(onednn_options(dtype));
    CHECK(ending.status == TrialStatus::unsupported);
    CHECK(ending.reason.find(name_of(dtype)) != std::string::npos);
  }
  for (const int count : {0, -1, 1'000'000}) {
    CHECK(refusal(onednn_options(DType::f32, count)).status == TrialStatus::unsupported);
    CHECK(refusal(onednn_options(DType::f32, 1, count)).status == TrialStatus::unsupported);
  }
  const LoadOptions options = onednn_options(DType::f32, 1);
  const auto model = load_onednn(small(), options);
  CHECK(
      model->prepare({onednn_options(DType::f32, 2).group, 1}).error().reason.find("loaded for") !=
      std::string::npos);
}

TEST_CASE("an imported model is unsupported on oneDNN, and what runs it is named", "[onednn]") {
  Model model = small();
  Op op;
  op.name = "y";
  op.kind = OpKind::foreign;
  op.operation = "Erf";
  op.inputs = {model.output};
  op.output = model.ops.back().output;
  model.ops.push_back(op);
  REQUIRE(infer_shapes(model));
  const Ending ending = refusal(onednn_options(DType::f32), model);
  CHECK(ending.status == TrialStatus::unsupported);
  CHECK(ending.reason.find("Erf") != std::string::npos);
}

// Users' batches in runs of a compiled one, over a backend that tells everything and over the simulated device.
#include "tuner/backend/dynamic_batch.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/backend/simulated/simulated.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

// What was asked of the programs that are wrapped.
struct Asked {
  std::vector<std::int64_t> prepared, ahead;  // batches
  std::vector<int> runs;                      // of each call
  int inputs = 0, announced = 0;
};

constexpr Seconds kRun = 0.5;  // so long that copying some bytes is nothing beside it
constexpr Bytes kOwnBytes = 1000;

class ToldProgram final : public Program {
 public:
  ToldProgram(const Candidate& candidate, ClockKind clock, Asked& asked)
      : candidate_(candidate), clock_(clock), asked_(asked) {}

  Outcome<RunTimes> run(int n) override {
    asked_.runs.push_back(n);
    if (fails) return tl::unexpected(Ending{TrialStatus::crashed, "told to", "", ""});
    RunTimes times;
    times.clock = clock_;
    for (int run = 0; run < n; ++run)
      for (int instance = 0; instance < candidate_.group.instances; ++instance) {
        times.seconds.push_back(kRun * (1 + instance) + 0.001 * count_[instance]++);
        times.instance.push_back(instance);
      }
    return times;
  }
  void set_input(std::uint64_t) override { ++asked_.inputs; }
  // Sample i of instance k is {k, i}.
  Outcome<std::vector<float>> read_output(std::int64_t samples) override {
    std::vector<float> output;
    for (int instance = 0; instance < candidate_.group.instances; ++instance)
      for (std::int64_t i = 0; i < std::min(samples, candidate_.batch); ++i) {
        output.push_back(static_cast<float>(instance));
        output.push_back(static_cast<float>(i));
      }
    return output;
  }
  MemoryUse memory() const override { return {kOwnBytes, 0, 0, MemoryKind::account}; }
  std::optional<Seconds> prepare_seconds() const override { return 3; }
  std::optional<Seconds> compile_seconds() const override { return 2; }
  void announce(int runs) override { asked_.announced = runs; }
  Seconds take_extra() override { return 0.25; }

  bool fails = false;

 private:
  Candidate candidate_;
  ClockKind clock_;
  Asked& asked_;
  std::map<int, int> count_;
};

class ToldModel final : public LoadedModel {
 public:
  ToldModel(ClockKind clock, Asked& asked) : clock_(clock), asked_(asked) {}
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 7; }
  double output_tolerance() const override { return 0.125; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    CHECK(candidate.group.compiled_batch == 0);  // no backend knows of it
    asked_.prepared.push_back(candidate.batch);
    if (candidate.batch > 64) return tl::unexpected(Ending{TrialStatus::out_of_memory, "too large", "", "device"});
    return std::make_unique<ToldProgram>(candidate, clock_, asked_);
  }
  void compile_ahead(const Candidate& candidate) override { asked_.ahead.push_back(candidate.batch); }

 private:
  ClockKind clock_;
  Asked& asked_;
};

class ToldBackend final : public Backend {
 public:
  explicit ToldBackend(bool simulated) : simulated_(simulated) {}
  DeviceInfo describe() override {
    DeviceInfo device;
    device.simulated = simulated_;
    return device;
  }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions&, LoadReport&) override {
    return tl::unexpected(Ending{TrialStatus::failed, "not asked", "", ""});
  }

 private:
  bool simulated_;
};

// 8 f32 values in, 2 out.
Model small_model() {
  Model model;
  model.name = "small";
  model.ops.resize(2);
  model.ops[0].name = "input";
  model.ops[0].output = {8};
  model.ops[1].name = "output";
  model.ops[1].kind = OpKind::matmul;
  model.ops[1].inputs = {"input"};
  model.ops[1].inner = 8;
  model.ops[1].columns = 2;
  model.output = "output";
  REQUIRE(infer_shapes(model));
  return model;
}

struct Fixture {
  explicit Fixture(ClockKind clock = ClockKind::host, LoadOptions options = {}, bool simulated = false)
      : backend(simulated),
        model(with_dynamic_batching(std::make_unique<ToldModel>(clock, asked), backend, small_model(), options)) {}

  std::unique_ptr<Program> prepare(std::int64_t compiled, std::int64_t batch, int instances = 1) {
    auto program = model->prepare(candidate(compiled, batch, instances));
    REQUIRE(program);
    (*program)->set_input(1);
    return std::move(*program);
  }
  static Candidate candidate(std::int64_t compiled, std::int64_t batch, int instances = 1) {
    Candidate result;
    result.group.compiled_batch = compiled;
    result.group.instances = instances;
    result.batch = batch;
    return result;
  }

  Asked asked;
  ToldBackend backend;
  std::unique_ptr<LoadedModel> model;
};

constexpr double kCopying = 0.05;  // seconds that copying some hundred bytes never takes

}  // namespace

TEST_CASE("a user's batch takes the runs of its parts, and a little for copying them", "[dynamic_batch]") {
  Fixture fixture;
  const auto program = fixture.prepare(4, 13);
  const auto times = program->run(1);
  REQUIRE(times);
  CHECK(fixture.asked.prepared == std::vector<std::int64_t>{4});
  CHECK(fixture.asked.runs == std::vector<int>{4});
  REQUIRE(times->seconds.size() == 1);
  const Seconds runs = 4 * kRun + 0.001 * (0 + 1 + 2 + 3);
  CHECK(times->seconds[0] > runs);
  CHECK(times->seconds[0] < runs + kCopying);
  CHECK(times->clock == ClockKind::host);
}

TEST_CASE("several requests have a duration each, and the runs of one follow each other", "[dynamic_batch]") {
  Fixture fixture;
  const auto times = fixture.prepare(4, 8)->run(3);
  REQUIRE(times);
  CHECK(fixture.asked.runs == std::vector<int>{2, 2, 2});
  REQUIRE(times->seconds.size() == 3);
  for (int request = 0; request < 3; ++request)
    CHECK(times->seconds[static_cast<std::size_t>(request)] ==
          Approx(2 * kRun + 0.001 * (4 * request + 1)).margin(kCopying));
}

TEST_CASE("instances go on without waiting for each other, and each has its own requests", "[dynamic_batch]") {
  Fixture fixture;
  const auto times = fixture.prepare(4, 8, 2)->run(3);
  REQUIRE(times);
  CHECK(fixture.asked.runs == std::vector<int>{6});  // in one go
  std::map<int, std::vector<Seconds>> by_instance;
  for (std::size_t i = 0; i < times->seconds.size(); ++i) by_instance[times->instance[i]].push_back(times->seconds[i]);
  REQUIRE(by_instance.size() == 2);
  for (const auto& [instance, seconds] : by_instance) {
    REQUIRE(seconds.size() == 3);
    CHECK(seconds[0] == Approx(2 * kRun * (1 + instance) + 0.001).margin(kCopying));
  }
}

TEST_CASE("a clock that is not the host's counts runs alone, exactly", "[dynamic_batch]") {
  for (const ClockKind clock : {ClockKind::device, ClockKind::virtual_clock}) {
    Fixture fixture(clock);
    const auto times = fixture.prepare(4, 5)->run(1);
    REQUIRE(times);
    CHECK(times->seconds[0] == kRun + (kRun + 0.001));
    CHECK(times->clock == clock);
  }
}

TEST_CASE("users' batches share one compiled program, which is prepared and filled once", "[dynamic_batch]") {
  Fixture fixture;
  const auto first = fixture.prepare(4, 8);
  CHECK(first->prepare_seconds() == 3.0);
  CHECK(first->compile_seconds() == 2.0);
  {
    const auto second = fixture.prepare(4, 12);
    CHECK(second->prepare_seconds() == 0.0);
    CHECK(second->compile_seconds() == 0.0);
  }
  CHECK(fixture.asked.prepared.size() == 1);
  CHECK(fixture.asked.inputs == 1);
  CHECK(fixture.prepare(2, 8)->prepare_seconds() == 3.0);  // another batch to compile
  CHECK(fixture.asked.prepared == std::vector<std::int64_t>{4, 2});
}

TEST_CASE("a compiled program is gone with the last that runs it", "[dynamic_batch]") {
  Fixture fixture;
  fixture.prepare(4, 8);
  CHECK(fixture.prepare(4, 12)->compile_seconds() == 2.0);
  CHECK(fixture.asked.prepared.size() == 2);
}

TEST_CASE("users get their samples in order, each instance its own; beyond the compiled batch they repeat",
          "[dynamic_batch]") {
  Fixture fixture;
  const auto program = fixture.prepare(4, 6, 2);
  CHECK(program->read_output(6).value() ==
        std::vector<float>{0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 1, 1, 0, 1, 1, 1, 2, 1, 3, 1, 0, 1, 1});
  CHECK(program->read_output(100).value().size() == 24);  // never more than were sent
  CHECK(program->read_output(2).value() == std::vector<float>{0, 0, 0, 1, 1, 0, 1, 1});
  CHECK(fixture.prepare(8, 3)->read_output(8).value().size() == 6);  // the padding is nobody's
}

TEST_CASE("the account has the buffers that are split and joined, and the limit is kept with them", "[dynamic_batch]") {
  const Bytes sample = (8 + 2) * 4;
  CHECK(Fixture().prepare(4, 12)->memory().total() == kOwnBytes + sample * (12 + 4));
  CHECK(Fixture().prepare(4, 12, 2)->memory().total() == kOwnBytes + 2 * sample * (12 + 4));
  LoadOptions options;
  options.account_limit = kOwnBytes + sample * (12 + 4);
  Fixture fixture(ClockKind::host, options);
  CHECK(fixture.model->prepare(Fixture::candidate(4, 12)));
  const auto refused = fixture.model->prepare(Fixture::candidate(4, 13));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == TrialStatus::out_of_memory);
  CHECK(refused.error().evidence.find("account: wanted") == 0);
}

TEST_CASE("nothing is copied for a simulated device, nor where samples are unknown", "[dynamic_batch]") {
  Fixture simulated(ClockKind::virtual_clock, {}, true);
  CHECK(simulated.prepare(4, 12)->memory().total() == kOwnBytes);
  Asked asked;
  ToldBackend backend(false);
  const auto model = with_dynamic_batching(std::make_unique<ToldModel>(ClockKind::host, asked), backend, Model{}, {});
  const auto program = model->prepare(Fixture::candidate(4, 12));
  REQUIRE(program);
  CHECK((*program)->memory().total() == kOwnBytes);
  CHECK((*program)->run(1)->seconds[0] == Approx(3 * kRun + 0.003));
}

TEST_CASE("whole batches pass as they are, and so does what is said of the model", "[dynamic_batch]") {
  Fixture fixture;
  const auto program = fixture.prepare(0, 6);
  CHECK(program->run(2)->seconds == std::vector<Seconds>{kRun, kRun + 0.001});
  CHECK(program->memory().total() == kOwnBytes);
  CHECK(fixture.model->load_seconds() == 7);
  CHECK(fixture.model->output_tolerance() == 0.125);
  CHECK(fixture.model->shares_weights());
  fixture.model->compile_ahead(Fixture::candidate(0, 6));
  fixture.model->compile_ahead(Fixture::candidate(4, 12));
  CHECK(fixture.asked.ahead == std::vector<std::int64_t>{6, 4});
}

TEST_CASE("runs are announced in those of the compiled batch, and what passed beside them is told", "[dynamic_batch]") {
  Fixture fixture;
  const auto program = fixture.prepare(4, 12);
  program->announce(5);
  CHECK(fixture.asked.announced == 15);
  CHECK(program->take_extra() == 0.25);
}

TEST_CASE("a compiled batch that is not to be had says so", "[dynamic_batch]") {
  Fixture fixture;
  const auto program = fixture.model->prepare(Fixture::candidate(100, 12));
  REQUIRE_FALSE(program);
  CHECK(program.error().status == TrialStatus::out_of_memory);
  CHECK(program.error().where == "device");
}

TEST_CASE("bytes of a sample are of its inputs and its output, in the data type that is computed in",
          "[dynamic_batch]") {
  const SampleBytes f32 = sample_bytes_of(small_model(), DType::f32);
  CHECK(f32.input == 32);
  CHECK(f32.output == 8);
  CHECK(sample_bytes_of(small_model(), DType::bf16).input == 16);
  const Model bert = build_zoo_model("bert-base@seq=16").value();
  CHECK(sample_bytes_of(bert, DType::bf16).input >= 16 * 4);  // token ids have a size of their own
  CHECK(sample_bytes_of(Model{}, DType::f32).input == 0);
}

TEST_CASE("on the simulated device a request takes the runs of the compiled batch, to the digit", "[dynamic_batch]") {
  auto backend = create_simulated_backend("");
  REQUIRE(backend);
  LoadReport report;
  const Model model = small_model();
  auto loaded = (*backend)->load(model, {}, report);
  REQUIRE(loaded);
  const auto dynamic = with_dynamic_batching(std::move(*loaded), **backend, model, {});
  const auto seconds = [&](std::int64_t compiled, std::int64_t batch) {
    auto program = dynamic->prepare(Fixture::candidate(compiled, batch));
    REQUIRE(program);
    (*program)->set_input(1);
    return (*program)->run(1)->seconds.at(0);
  };
  CHECK(seconds(4, 12) == Approx(3 * seconds(0, 4)));
  CHECK(seconds(4, 13) == Approx(4 * seconds(0, 4)));
  CHECK(seconds(4, 1) == Approx(seconds(0, 4)));
}

// The simulated device: its curve, its wall, its outputs and its parameters. How it dies is tested
// where processes are (tests/measure).
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/backend/instances_contract.h"
#include "tests/support/catch.h"
#include "tuner/backend/simulated/cost.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/backend/simulated/simulated.h"
#include "tuner/workload/opaque.h"

using namespace batchtune;

namespace {

// 64 -> 256 -> 10 with weights: two operations that cost something.
Model small_model() {
  Model model;
  model.name = "small";
  model.ops.resize(3);
  model.ops[0].name = "input";
  model.ops[0].kind = OpKind::input;
  model.ops[0].output = {64};
  const auto matmul = [](Op& op, const char* name, const char* input, int inner, int columns) {
    op.name = name;
    op.kind = OpKind::matmul;
    op.inputs = {input};
    op.inner = inner;
    op.columns = columns;
  };
  matmul(model.ops[1], "hidden", "input", 64, 256);
  matmul(model.ops[2], "output", "hidden", 256, 10);
  model.output = "output";
  REQUIRE(infer_shapes(model));
  return model;
}

Candidate candidate(std::int64_t batch, int instances = 1) {
  Candidate result;
  result.group.backend = "simulated";
  result.group.instances = instances;
  result.batch = batch;
  return result;
}

simulated::Parameters parameters(const std::string& text) {
  const auto parsed = simulated::parse_parameters(text);
  REQUIRE(parsed);
  return *parsed;
}

double throughput(const Model& model, std::int64_t batch, const std::string& text) {
  return static_cast<double>(batch) /
         simulated::run_seconds(model, candidate(batch), parameters(text));
}

std::unique_ptr<LoadedModel> load(const std::string& text, const LoadOptions& options = {}) {
  auto backend = create_simulated_backend(text);
  REQUIRE(backend);
  LoadReport report;
  auto loaded = (*backend)->load(small_model(), options, report);
  REQUIRE(loaded);
  return std::move(*loaded);
}

}  // namespace

TEST_CASE("parameters take units, bare seconds and a run to fire from", "[simulated]") {
  const auto p =
      parameters("wall=2GiB,hang=16,crash=32@3,prepare=0.5,overhead=20us,rate=50G,hump=8");
  CHECK(p.wall == Bytes{2} << 30);
  CHECK(p.hang.fires(16, 1));
  CHECK_FALSE(p.hang.fires(17, 1));
  CHECK_FALSE(p.crash.fires(32, 2));
  CHECK(p.crash.fires(32, 3));
  CHECK(p.prepare == 0.5);
  CHECK(p.overhead == Approx(20e-6));
  CHECK(p.rate == 50e9);
  CHECK(p.hump == 8);
}

TEST_CASE("noise has parameters like all others", "[simulated]") {
  const auto p = parameters(
      "jitter=2%,wander=0.05,wander_seconds=500ms,neighbour=30%,neighbour_seconds=2,"
      "neighbour_factor=1.6,drift=1%,spikes=0.5%,spike_factor=4,speed_levels=3,speed_seconds=60s,"
      "slow=8@1.05");
  CHECK(p.noise.jitter == Approx(0.02));
  CHECK(p.noise.wander == Approx(0.05));
  CHECK(p.noise.wander_seconds == Approx(0.5));
  CHECK(p.noise.neighbour == Approx(0.3));
  CHECK(p.noise.neighbour_seconds == 2);
  CHECK(p.noise.neighbour_factor == Approx(1.6));
  CHECK(p.noise.drift == Approx(0.01));
  CHECK(p.noise.spikes == Approx(0.005));
  CHECK(p.noise.spike_factor == 4);
  CHECK(p.noise.speed_levels == 3);
  CHECK(p.noise.speed_seconds == 60);
  CHECK(p.slow.batch == 8);
  CHECK(p.slow.factor == Approx(1.05));
}

TEST_CASE("a parameter that does not exist or does not parse is an error that names it",
          "[simulated]") {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"wal=2GiB", "\"wal\""},
      {"wall=2", "wall"},
      {"hang=0", "hang"},
      {"hang=-1", "hang"},
      {"hang=1x", "hang"},
      {"crash=3@", "crash"},
      {"crash=3@4294967297", "a run of at most"},
      {"prepare=5 kg", "prepare"},
      {"rate=0", "rate"},
      {"hump", "NAME=VALUE"},
      {"wall=1GiB,,hump=2", "NAME=VALUE"},
      {"=", "parameter"},
      {"jitter=2", "jitter"},
      {"neighbour=-1%", "neighbour"},
      {"neighbour_seconds=0", "neighbour_seconds"},
      {"spike_factor=0.5", "spike_factor"},
      {"speed_levels=17", "speed_levels"},
      {"slow=8", "BATCH@FACTOR"},
      {"slow=8@0.9", "slow"},
      {"slow=0@1.5", "slow"},
      {"noise=1", "wander_seconds"}};
  for (const auto& [text, part] : bad) {
    INFO(text);
    const auto backend = create_simulated_backend(text);
    REQUIRE_FALSE(backend);
    CHECK(to_string(backend.error()).find(part) != std::string::npos);
  }
}

TEST_CASE("a hump makes throughput rise to it and fall after it", "[simulated]") {
  const Model model = small_model();
  for (const std::string text :
       {"hump=16,tile=1", "hump=16,tile=1,overhead=1s,rate=1", "hump=16,tile=4"}) {
    std::int64_t best = 1;
    for (std::int64_t batch = 1; batch <= 64; ++batch)
      if (throughput(model, batch, text) > throughput(model, best, text)) best = batch;
    CHECK(best == 16);
    CHECK(throughput(model, 64, text) < throughput(model, 32, text));
  }
}

TEST_CASE("a batch pays for whole tiles", "[simulated]") {
  const Model model = small_model();
  const auto seconds = [&](std::int64_t batch) {
    return simulated::run_seconds(model, candidate(batch), parameters("tile=8"));
  };
  CHECK(seconds(1) == seconds(8));
  CHECK(seconds(9) == seconds(16));
  CHECK(seconds(9) > seconds(8));
}

TEST_CASE("memory is exact: the wall decides to the byte", "[simulated]") {
  const Model model = small_model();
  const Bytes of_20 = simulated::memory_of(model, candidate(20)).total();
  CHECK(load("wall=" + std::to_string(of_20) + "B")->prepare(candidate(20)).has_value());
  const auto refused = load("wall=" + std::to_string(of_20 - 1) + "B")->prepare(candidate(20));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == TrialStatus::out_of_memory);
  CHECK(refused.error().where == "device");
  CHECK(refused.error().evidence.find("account: wanted") == 0);
}

TEST_CASE("an account limit below the wall takes its place", "[simulated]") {
  LoadOptions options;
  options.account_limit = simulated::memory_of(small_model(), candidate(5)).total();
  const auto model = load("", options);
  CHECK(model->prepare(candidate(5)).has_value());
  CHECK_FALSE(model->prepare(candidate(6)).has_value());
}

TEST_CASE("weights alone above the wall end the load with out_of_memory", "[simulated]") {
  auto backend = create_simulated_backend("wall=1KiB");
  REQUIRE(backend);
  LoadReport report;
  const auto loaded = (*backend)->load(small_model(), {}, report);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == TrialStatus::out_of_memory);
}

TEST_CASE("an absurd batch is out of memory and overflows nothing", "[simulated]") {
  for (const std::int64_t batch :
       {std::int64_t{1000000000000}, std::numeric_limits<std::int64_t>::max()}) {
    const auto program = load("")->prepare(candidate(batch, 8));
    REQUIRE_FALSE(program);
    CHECK(program.error().status == TrialStatus::out_of_memory);
  }
}

TEST_CASE("runs report virtual seconds of every instance and do not sleep", "[simulated]") {
  const auto model = load("overhead=100s,prepare=7");
  auto program = model->prepare(candidate(4, 3));
  REQUIRE(program);
  const auto times = (*program)->run(2);
  REQUIRE(times);
  CHECK(times->clock == ClockKind::virtual_clock);
  CHECK(times->instance == std::vector<int>{0, 1, 2, 0, 1, 2});
  for (const Seconds seconds : times->seconds) CHECK(seconds > 200);
  CHECK((*program)->prepare_seconds() == 7.0);
}

TEST_CASE("the simulated device keeps the contract of instances", "[simulated][instances]") {
  LoadOptions options;
  options.group = candidate(1).group;
  test::check_instances_contract(*create_simulated_backend("").value(), small_model(), options);
}

TEST_CASE("which split of the CPUs is best depends on the batch", "[simulated][instances]") {
  const Model model = small_model();
  const auto together = [&](int instances, int threads, std::int64_t batch,
                            const std::string& text) {
    Candidate split = candidate(batch, instances);
    split.group.threads = threads;
    return static_cast<double>(batch * instances) /
           simulated::run_seconds(model, split, parameters(text));
  };
  const auto gain = [&](std::int64_t batch, const std::string& text) {
    return together(2, 1, batch, text) / together(1, 2, batch, text);
  };
  // Weights stream through one memory: with next to no arithmetic nothing is won, and the two are
  // in each other's way.
  CHECK(gain(1, "tile=1,overhead=0ns") < 1);
  // Arithmetic scales better over instances than over threads, and launches are side by side.
  CHECK(gain(4096, "tile=1,overhead=0ns") > 1.03);
  CHECK(gain(4096, "tile=1,overhead=0ns") < 1.05);
  CHECK(gain(1, "tile=1,overhead=1ms") > 1.8);
  // A cache that holds 16 samples holds 8 of each of two.
  const auto best = [&](int instances, int threads) {
    std::int64_t found = 1;
    for (std::int64_t batch = 1; batch <= 64; ++batch)
      if (together(instances, threads, batch, "hump=16,tile=1") >
          together(instances, threads, found, "hump=16,tile=1"))
        found = batch;
    return found;
  };
  CHECK(best(1, 2) == 16);
  CHECK(best(2, 1) == 8);
}

TEST_CASE("unequal instances run on without waiting for each other", "[simulated][instances]") {
  const auto model = load("uneven=50%,drift=100%,overhead=10s");
  auto program = model->prepare(candidate(4, 3));
  REQUIRE(program);
  const auto times = (*program)->run(4);
  REQUIRE(times);
  std::vector<Seconds> spent(3);
  for (std::size_t i = 0; i < times->seconds.size(); ++i) {
    const auto instance = static_cast<std::size_t>(times->instance[i]);
    spent[instance] += times->seconds[i];
  }
  CHECK(spent[1] > 1.5 * spent[0]);  // it also meets more of the drift
  CHECK(spent[2] > 2 * spent[0]);
  const Seconds next = (*program)->run(1)->seconds.front();
  CHECK(next > times->seconds.front() * (1 + 0.9 * spent[2] / 60));  // time went on to the slowest's end
}

TEST_CASE("a slow batch takes exactly so much longer, and no other one does", "[simulated]") {
  const Model model = small_model();
  for (const std::int64_t batch : {7, 8, 9}) {
    const double plain = throughput(model, batch, "tile=1");
    CHECK(plain / throughput(model, batch, "tile=1,slow=8@1.05") ==
          Approx(batch == 8 ? 1.05 : 1.0));
  }
}

TEST_CASE("a disturbance is common to all programs of a device and follows their virtual time",
          "[simulated]") {
  const auto model = load("overhead=0.1,neighbour=50%,neighbour_seconds=20,neighbour_factor=2");
  auto small = model->prepare(candidate(1));
  auto large = model->prepare(candidate(8));
  REQUIRE(small);
  REQUIRE(large);
  const Seconds quiet_small =
      simulated::run_seconds(small_model(), candidate(1), parameters("overhead=0.1"));
  const Seconds quiet_large =
      simulated::run_seconds(small_model(), candidate(8), parameters("overhead=0.1"));
  int disturbed = 0, alike = 0;
  const int pairs = 2000;  // about 600 s, so about 15 changes
  for (int i = 0; i < pairs; ++i) {
    const double one = (*small)->run(1)->seconds.front() / quiet_small;
    const double other = (*large)->run(1)->seconds.front() / quiet_large;
    disturbed += one > 1.5 ? 1 : 0;
    alike += std::abs(one - other) < 1e-9 ? 1 : 0;
  }
  CHECK(disturbed > pairs / 10);
  CHECK(disturbed < pairs * 9 / 10);
  CHECK(alike > pairs * 95 / 100);
}

TEST_CASE("instances share the machine's disturbance, and each has its own jitter", "[simulated]") {
  const auto times_of = [](const std::string& noise) {
    const auto model = load(noise);
    return (*model->prepare(candidate(4, 2)))->run(1)->seconds;
  };
  const auto common = times_of("neighbour=100%,wander=10%");
  CHECK(common[0] == common[1]);
  CHECK(common[0] != times_of("")[0]);
  const auto own = times_of("jitter=10%");
  CHECK(own[0] != own[1]);
}

TEST_CASE("the seed decides the noise", "[simulated]") {
  const auto seconds_of = [](std::uint64_t seed) {
    LoadOptions options;
    options.seed = seed;
    const auto model = load("jitter=5%", options);
    return (*model->prepare(candidate(4)))->run(5)->seconds;
  };
  CHECK(seconds_of(1) == seconds_of(1));
  CHECK(seconds_of(1) != seconds_of(2));
}

TEST_CASE("a sample has the same output at every batch, except where told to be wrong",
          "[simulated]") {
  const auto model = load("wrong=8");
  const auto output_at = [&](std::int64_t batch, std::uint64_t seed) {
    auto program = model->prepare(candidate(batch));
    REQUIRE(program);
    (*program)->set_input(seed);
    REQUIRE((*program)->run(1));
    return *(*program)->read_output(2);
  };
  CHECK(output_at(4, 1) == output_at(2, 1));
  CHECK(output_at(4, 1) != output_at(4, 2));
  CHECK(output_at(4, 1).size() == 20);
  CHECK(output_at(1, 1).size() == 10);
  CHECK(output_at(8, 1) != output_at(4, 1));
  auto three = model->prepare(candidate(8, 3));  // of several instances the last is wrong
  REQUIRE(three);
  (*three)->set_input(1);
  REQUIRE((*three)->run(1));
  const std::vector<float> all = *(*three)->read_output(2);
  const std::vector<float> first(all.begin(), all.begin() + 20), last(all.end() - 20, all.end());
  CHECK(first == output_at(4, 1));
  CHECK(last == output_at(8, 1));
}

TEST_CASE("the simulated device says so", "[simulated]") {
  auto backend = create_simulated_backend("");
  REQUIRE(backend);
  CHECK((*backend)->describe().simulated);
  CHECK((*backend)->describe().backend == "simulated");
}

TEST_CASE("the terms of the cost are told by operation and add up to a run", "[backend][simulated]") {
  const Model model = small_model();
  for (const char* text : {"tile=8", "hump=8,slow=20@1.5", "tile=3,overhead=1ms"})
    for (const std::int64_t batch : {1, 7, 20, 64}) {
      INFO(text << ", batch " << batch);
      const auto loaded = load(text);
      const auto program = loaded->prepare(candidate(batch));
      REQUIRE(program);
      const auto layers = (*program)->profile(3);
      REQUIRE(layers);
      REQUIRE(layers->size() == 2);
      CHECK((*layers)[0].name == "hidden");
      CHECK((*layers)[1].kind == "matmul");
      const Seconds run = simulated::run_seconds(model, candidate(batch), parameters(text));
      CHECK((*layers)[0].seconds + (*layers)[1].seconds == Approx(run));
    }
}

TEST_CASE("a model whose operations cannot be read runs as a stand-in of known size",
          "[backend][simulated][opaque]") {
  const auto backend = create_simulated_backend("").value();
  LoadOptions options;
  options.group = {"simulated", DType::f32, 1, 1, {}};
  LoadReport report;
  const auto loaded = backend->load(command_model("mine", "run {batch}"), options, report);
  REQUIRE(loaded);
  const auto one = (*loaded)->prepare({options.group, 1});
  const auto many = (*loaded)->prepare({options.group, 8});
  REQUIRE(one);
  REQUIRE(many);
  const Seconds single = (*one)->run(1)->seconds[0], eight = (*many)->run(1)->seconds[0];
  CHECK(single > 0);
  CHECK(eight > single);
  CHECK(eight < 8 * single);
  CHECK((*one)->memory().weights == 40'000'000);
  CHECK((*many)->read_output(2)->size() == 2 * (*one)->read_output(1)->size());
}

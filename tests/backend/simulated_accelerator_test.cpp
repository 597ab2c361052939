// The cost formula of the simulated accelerators: whole tiles, spills, executions in flight, cores, memory and its
// wall.
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "tests/backend/conformance_check.h"
#include "tests/backend/simulated_support.h"
#include "tuner/backend/simulated/accelerator_cost.h"
#include "tuner/backend/simulated/accelerator_work.h"
#include "tuner/backend/simulated/simulated.h"

using namespace batchtune;
using namespace batchtune::test;
using simulated::Accelerator;

namespace {

double rate(const Model& model, const Candidate& candidate, const Accelerator& device) {
  double samples = 0;
  for (int instance = 0; instance < candidate.group.instances; ++instance)
    samples += static_cast<double>(candidate.batch) /
               simulated::run_seconds(model, candidate, instance, device);
  return samples;
}

Seconds seconds(const Model& model, std::int64_t batch, const Accelerator& device) {
  return simulated::run_seconds(model, on_device(batch), 0, device);
}

// Nothing but the array: whatever else costs something is taken away.
Accelerator array_alone() {
  Accelerator device = accelerator("trn1");
  device.vector_hertz = device.dma_rate = 1e18;
  device.dma_latency = device.run_overhead = device.operation_overhead = 0;
  device.on_chip = 1e15;
  device.overlap = 0;
  return device;
}

std::unique_ptr<LoadedModel> load(const Model& model, const std::string& text,
                                  const LoadOptions& options) {
  auto backend = create_simulated_backend(text);
  REQUIRE(backend);
  LoadReport report;
  auto loaded = (*backend)->load(model, options, report);
  REQUIRE(loaded);
  return std::move(*loaded);
}

LoadOptions in_bf16() {
  LoadOptions options;
  options.group = on_device(1).group;
  return options;
}

}  // namespace

TEST_CASE("a larger batch never takes less time on any accelerator", "[simulated][accelerator]") {
  for (const char* name : {"mlp", "resnet-50", "mobilenet-v2", "bert-base@seq=32"}) {
    const Model model = zoo_model(name);
    for (const Accelerator& device : simulated::accelerators()) {
      INFO(name << " on " << device.name);
      Seconds before = 0;
      for (std::int64_t batch = 1; batch <= 130; batch += batch < 40 ? 1 : 9) {
        const Seconds now = seconds(model, batch, device);
        INFO("batch " << batch);
        CHECK(now > 0);
        CHECK(now >= before);
        before = now;
      }
    }
  }
}

TEST_CASE("a dimension pays for whole tiles of the array", "[simulated][accelerator]") {
  const Accelerator device = array_alone();
  const auto of = [&](std::int64_t inner, std::int64_t columns) {
    return seconds(one_product(inner, columns), 64, device);
  };
  CHECK(of(129, 128) == Approx(2 * of(128, 128)));
  CHECK(of(1, 1) == Approx(of(128, 128)));
  CHECK(of(256, 128) == Approx(of(129, 128)));
  CHECK(of(128, 129) == Approx(of(128, 256)));
  CHECK(of(129, 129) == Approx(4 * of(128, 128)));
}

TEST_CASE("a batch pays for exchanging the tile once more at every step of moving rows",
          "[simulated][accelerator]") {
  const Accelerator device = array_alone();
  const Model model = one_product(128, 128);
  const Seconds row = 1 / device.array_hertz;
  for (const std::int64_t batch : {std::int64_t{1}, std::int64_t{100}, device.moving_rows - 1,
                                   device.moving_rows, 3 * device.moving_rows}) {
    const Seconds step = seconds(model, batch + 1, device) - seconds(model, batch, device);
    const bool exchanges = batch % device.moving_rows == 0;
    INFO("from " << batch);
    CHECK(step == Approx(row * (exchanges ? 1 + device.stationary_cycles : 1)).epsilon(0.001));
  }
}

TEST_CASE("f32 takes four times as long as bf16 where the array is all there is",
          "[simulated][accelerator]") {
  Accelerator device = array_alone();
  device.stationary_cycles = 0;
  const Model model = one_product(512, 512);
  CHECK(simulated::run_seconds(model, on_device(64, 1, 1, DType::f32), 0, device) ==
        Approx(4 * seconds(model, 64, device)));
}

TEST_CASE("what the chip has no room for is paid for, from exactly that batch on",
          "[simulated][accelerator]") {
  const Model model = one_product(1024, 1024);
  Accelerator device = accelerator("trn1");
  constexpr std::int64_t kFits = 20;
  device.on_chip = kFits * 2 * (1024 + 1024);  // bf16: input and output
  Accelerator roomy = device;
  roomy.on_chip = 1e15;
  CHECK(seconds(model, kFits, device) == seconds(model, kFits, roomy));
  Seconds before = 0;
  for (const std::int64_t batch : {kFits + 1, 2 * kFits, 100 * kFits}) {
    const Seconds spill = seconds(model, batch, device) - seconds(model, batch, roomy);
    CHECK(spill > before);
    before = spill;
  }
  const simulated::OperationWork work =
      simulated::work_of(model, model.ops.back(), DType::bf16, 3 * kFits, device);
  CHECK(work.spilled_bytes == Approx(2 * device.on_chip));
}

TEST_CASE("throughput rises with the batch and falls again where it spills", "[simulated][accelerator]") {
  const Model model = zoo_model("resnet-50");
  for (const char* name : {"trn1", "inferentia"}) {
    const Accelerator& device = accelerator(name);
    std::int64_t best = 1;
    for (std::int64_t batch = 1; batch <= 256; ++batch)
      if (rate(model, on_device(batch), device) > rate(model, on_device(best), device)) best = batch;
    INFO(name << ": best " << best);
    CHECK(best > 1);
    CHECK(best < 128);
    CHECK(rate(model, on_device(best), device) > 1.1 * rate(model, on_device(1), device));
    CHECK(rate(model, on_device(256), device) < 0.99 * rate(model, on_device(best), device));
  }
}

TEST_CASE("executions in flight hide the host's part, and the device's sets the limit",
          "[simulated][accelerator]") {
  const Model model = zoo_model("mlp");
  const Accelerator& device = accelerator("trn1");
  for (const std::int64_t batch : {1, 64}) {
    Accelerator without_host = device;
    without_host.run_overhead = 0;
    const double limit = rate(model, on_device(batch), without_host);
    double before = 0;
    for (const int in_flight : {1, 2, 3, 8}) {
      const double now = rate(model, on_device(batch, in_flight), device);
      CHECK(now > before);
      CHECK(now < limit);
      before = now;
    }
    CHECK(before > 0.8 * limit);
    // Each waits for the others: a batch takes longer.
    CHECK(simulated::run_seconds(model, on_device(batch, 2), 1, device) >
          simulated::run_seconds(model, on_device(batch), 0, device));
  }
}

TEST_CASE("cores multiply throughput, less what they share of the way to memory",
          "[simulated][accelerator]") {
  const Model model = zoo_model("resnet-50");
  for (const Accelerator& device : simulated::accelerators()) {
    INFO(device.name);
    const auto cores = static_cast<int>(device.cores);
    const double one = rate(model, on_device(8), device);
    const double all = rate(model, on_device(8, cores, cores), device);
    CHECK(all > 0.5 * cores * one);
    CHECK(all < cores * one);
    Accelerator apart = device;
    apart.sharing = 0;
    CHECK(rate(model, on_device(8, cores, cores), apart) == Approx(cores * one));
  }
}

TEST_CASE("the account grows with the batch, and tensors in between come in whole pages",
          "[simulated][accelerator]") {
  const Model model = zoo_model("resnet-50");
  Accelerator device = accelerator("trn1");
  device.code = device.instruction = 0;
  const auto of = [&](std::int64_t batch, int instances = 1) {
    return simulated::memory_of(model, on_device(batch, instances), device);
  };
  const auto outside = [](std::int64_t batch) { return batch * 2 * (224 * 224 * 3 + 1000); };
  const auto page = static_cast<Bytes>(device.memory_page);
  Bytes before = 0;
  std::set<Bytes> pages;
  for (std::int64_t batch = 1; batch <= 200; ++batch) {
    CHECK(of(batch).total() > before);
    before = of(batch).total();
    CHECK((of(batch).activations - outside(batch)) % page == 0);
    pages.insert((of(batch).activations - outside(batch)) / page);
  }
  CHECK(pages.size() > 5);
  CHECK(pages.size() < 100);  // so it is no straight line
  CHECK(of(1).weights > 2 * 25'000'000);
  CHECK(of(8, 3).weights == of(8).weights);
  CHECK(of(8, 3).activations == 3 * of(8).activations);
  // Of the fullest core.
  CHECK(simulated::memory_of(model, on_device(8, 2, 2), device) == of(8));
  CHECK(simulated::memory_of(model, on_device(8, 3, 2), device) == of(8, 2));
}

TEST_CASE("the wall is not where the device says that its memory ends", "[simulated][accelerator]") {
  const Model model = zoo_model("resnet-50");
  for (const Accelerator& device : simulated::accelerators()) {
    INFO(device.name);
    const Bytes wall = simulated::wall_of(device, 1);
    const DeviceInfo said = simulated::describe(device);
    REQUIRE(said.memory_bytes);
    CHECK(static_cast<double>(wall) < 0.97 * *said.memory_bytes);
    const auto fits = simulated::largest_fitting(model, on_device(1).group, device, wall);
    const auto nominal = simulated::largest_fitting(model, on_device(1).group, device,
                                                    static_cast<Bytes>(*said.memory_bytes));
    CHECK(fits > 0);
    CHECK(fits < nominal);
    CHECK(simulated::memory_of(model, on_device(fits), device).total() <= wall);
    CHECK(simulated::memory_of(model, on_device(fits + 1), device).total() > wall);
  }
  const Accelerator& shared = accelerator("inferentia");
  CHECK(simulated::wall_of(shared, 4) == simulated::wall_of(shared, 1) / 4);
  CHECK(simulated::wall_of(accelerator("trn1"), 2) == simulated::wall_of(accelerator("trn1"), 1));
}

TEST_CASE("between the wall and what the device says a program is prepared, and its first run finds no room",
          "[simulated][accelerator]") {
  const Model model = zoo_model("resnet-50");
  const Accelerator& device = accelerator("trn1");
  const auto fits = simulated::largest_fitting(model, on_device(1).group, device,
                                               simulated::wall_of(device, 1));
  const auto loaded = load(model, "trn1", in_bf16());
  const auto program = loaded->prepare(on_device(fits));
  REQUIRE(program);
  CHECK((*program)->run(1));
  const auto above = loaded->prepare(on_device(fits + 1));
  REQUIRE(above);
  CHECK((*above)->compile_seconds().value_or(0) > 60);  // it was paid for in vain
  const auto failed = (*above)->run(1);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().status == TrialStatus::out_of_memory);
  CHECK(failed.error().where == "device");
  CHECK(failed.error().evidence.find("account: wanted") == 0);
  const auto refused = loaded->prepare(on_device(std::numeric_limits<std::int64_t>::max()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == TrialStatus::out_of_memory);
}

TEST_CASE("an account limit decides to the byte on an accelerator", "[simulated][accelerator]") {
  const Model model = zoo_model("mlp");
  LoadOptions options = in_bf16();
  options.account_limit =
      simulated::memory_of(model, on_device(5), accelerator("trn1")).total();
  const auto loaded = load(model, "trn1", options);
  CHECK(loaded->prepare(on_device(5)).has_value());
  CHECK_FALSE(loaded->prepare(on_device(6)).has_value());
}

TEST_CASE("an accelerator says nothing of its true wall, and that it is simulated",
          "[simulated][accelerator]") {
  for (const Accelerator& device : simulated::accelerators()) {
    const auto backend = create_simulated_backend(device.name);
    REQUIRE(backend);
    const DeviceInfo info = (*backend)->describe();
    INFO(info.name);
    CHECK(info.simulated);
    CHECK(info.backend == "simulated");
    CHECK(info.name.find("simulated " + device.name) == 0);
    CHECK(info.default_dtype == DType::bf16);
    CHECK(info.compiles_elsewhere);
    CHECK(info.memory_bytes == device.said_memory);
    CHECK(info.memory_levels.back().bytes_per_second == device.said_bandwidth);
    CHECK(info.peaks.size() == device.arithmetic.size());
  }
}

TEST_CASE("an accelerator refuses data types and cores that it lacks", "[simulated][accelerator]") {
  const Model model = zoo_model("mlp");
  const auto refusal = [&](const std::string& text, const Candidate& candidate) {
    const auto backend = create_simulated_backend(text);
    REQUIRE(backend);
    LoadOptions options;
    options.group = candidate.group;
    LoadReport report;
    const auto loaded = (*backend)->load(model, options, report);
    if (!loaded) return loaded.error();
    return Ending{};
  };
  CHECK(refusal("trn1", on_device(1)).status == TrialStatus::ok);
  CHECK(refusal("trn1", on_device(1, 2, 2)).status == TrialStatus::ok);
  for (const auto& [ending, part] :
       {std::pair{refusal("inferentia", on_device(1, 1, 1, DType::f32)), "computes in bf16, f16"},
        std::pair{refusal("trn1", on_device(1, 1, 1, DType::int8)), "not in int8"},
        std::pair{refusal("trn1", on_device(1, 4, 4)), "has 2 cores"},
        std::pair{refusal("trn1", on_device(1, 1, 2)), "as many instances"},
        std::pair{refusal("", on_device(1, 2, 2)), "no cores"}}) {
    CHECK(ending.status == TrialStatus::unsupported);
    INFO(ending.reason);
    CHECK(ending.reason.find(part) != std::string::npos);
  }
}

TEST_CASE("an accelerator's noise is seeded, small, and can be taken away", "[simulated][accelerator]") {
  const Model model = zoo_model("mlp");
  const auto runs = [&](const std::string& text, std::uint64_t seed) {
    LoadOptions options = in_bf16();
    options.seed = seed;
    return (*load(model, text, options)->prepare(on_device(4)))->run(50)->seconds;
  };
  const auto noisy = runs("trn1", 1);
  CHECK(noisy == runs("trn1", 1));
  CHECK(noisy != runs("trn1", 2));
  const Seconds quiet = seconds(model, 4, accelerator("trn1"));
  for (const Seconds run : noisy) CHECK(std::abs(run / quiet - 1) < 0.7);
  const auto same = runs("trn1,jitter=0,wander=0,spikes=0,drift=0", 1);
  CHECK(same.front() == Approx(quiet));
  CHECK(same == std::vector<Seconds>(50, same.front()));
  CHECK(runs("trn1,jitter=0,wander=0,spikes=0,drift=0,slow=4@1.5", 1).front() == Approx(1.5 * quiet));
}

TEST_CASE("every accelerator keeps the contract", "[simulated][accelerator][conformance]") {
  const Model model = zoo_model("mlp");
  for (const Accelerator& device : simulated::accelerators()) {
    INFO(device.name);
    const auto backend = create_simulated_backend(device.name);
    REQUIRE(backend);
    check_conformance(**backend, model, in_bf16());
  }
}

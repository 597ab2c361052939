// Dynamic batching on this machine's processor: real outputs, real copies.
#include "tests/backend/cpu_support.h"
#include "tuner/backend/dynamic_batch.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

std::unique_ptr<Program> prepare(LoadedModel& model, std::int64_t compiled, std::int64_t batch,
                                 const LoadOptions& options) {
  Candidate candidate{options.group, batch};
  candidate.group.compiled_batch = compiled;
  auto program = model.prepare(candidate);
  REQUIRE(program);
  (*program)->set_input(options.seed);
  return std::move(*program);
}

}  // namespace

TEST_CASE("samples of a user's batch are those of the compiled batch, again and again", "[cpu][dynamic_batch]") {
  const Model model = build_zoo_model("mlp@width=64").value();
  const LoadOptions options = options_of(DType::f32);
  cpu::CpuBackend backend;
  LoadReport report;
  auto loaded = backend.load(model, options, report);
  REQUIRE(loaded);
  const auto dynamic = with_dynamic_batching(std::move(*loaded), backend, model, options);
  const auto whole = prepare(*dynamic, 0, 4, options);
  const auto split = prepare(*dynamic, 4, 10, options);
  REQUIRE(whole->run(1));
  const auto times = split->run(2);
  REQUIRE(times);
  CHECK(times->seconds.size() == 2);
  CHECK(times->clock == ClockKind::host);
  const auto compiled = whole->read_output(4).value();
  const auto output = split->read_output(10).value();
  const std::size_t sample = compiled.size() / 4;
  REQUIRE(output.size() == 10 * sample);
  for (std::size_t i = 0; i < output.size(); ++i)
    REQUIRE(output[i] == compiled[i / sample % 4 * sample + i % sample]);
  CHECK(split->memory().activations > whole->memory().activations);
  CHECK(split->memory().kind == MemoryKind::account);
}

TEST_CASE("copying a large input is in the time of a request", "[cpu][dynamic_batch]") {
  // A model that computes next to nothing on a large image: what is left of a request is copying it.
  Model model;
  model.name = "image";
  model.ops.resize(2);
  model.ops[0].name = "input";
  model.ops[0].output = {512, 512, 4};
  model.ops[1].name = "output";
  model.ops[1].kind = OpKind::slice;
  model.ops[1].inputs = {"input"};
  model.ops[1].begin = 0;
  model.ops[1].end = 1;
  model.output = "output";
  REQUIRE(infer_shapes(model));
  const LoadOptions options = options_of(DType::f32, 1);
  cpu::CpuBackend backend;
  LoadReport report;
  auto loaded = backend.load(model, options, report);
  REQUIRE(loaded);
  const auto dynamic = with_dynamic_batching(std::move(*loaded), backend, model, options);
  const auto fastest = [&](std::int64_t compiled, std::int64_t batch) {
    const auto program = prepare(*dynamic, compiled, batch, options);
    Seconds least = 1;
    for (int i = 0; i < 10; ++i) least = std::min(least, program->run(1)->seconds.at(0));
    return least;
  };
  // 64 MiB of input cannot be copied in a millisecond on any machine of today.
  CHECK(fastest(4, 16) - 4 * fastest(0, 4) > 1e-3);
}

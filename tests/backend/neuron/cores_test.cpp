// Several NeuronCores, several executions in flight, and several ways of compiling, on the stand-ins.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/backend/neuron/stand_ins.h"
#include "tests/support/catch.h"
#include "tuner/workload/work.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

struct Life {
  double rate = 0;  // batches/s of all instances, by the median
  std::vector<float> output;
  MemoryUse memory;
};

Life life_of(Backend& backend, int cores, int instances, const Told&) {
  const LoadOptions options = options_on(cores, instances);
  const auto model = loaded(backend, options);
  const auto program = prepared(*model, options, 2);
  const RunTimes times = program->run(10).value();
  for (int i = 0; i < instances; ++i)
    CHECK(std::count(times.instance.begin(), times.instance.end(), i) == 10);
  std::vector<Seconds> seconds = times.seconds;
  std::sort(seconds.begin(), seconds.end());
  return {instances / seconds[seconds.size() / 2], program->read_output(2).value(),
          program->memory()};
}

void check_same_in_all(const std::vector<float>& one, const std::vector<float>& all, int times) {
  REQUIRE(std::ssize(all) == times * std::ssize(one));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == one[i % one.size()]);
}

}  // namespace

TEST_CASE("instances are executions in flight on a core", "[neuron]") {
  const Told told("host=0.002;latency=0.002");
  const auto backend = opened();
  const Life alone = life_of(*backend, 1, 1, told), together = life_of(*backend, 1, 2, told);
  CHECK(together.rate > 1.2 * alone.rate);  // twice at best: what the host does is hidden
  check_same_in_all(alone.output, together.output, 2);
  CHECK(together.memory.activations == 2 * alone.memory.activations);
  CHECK(together.memory.weights == alone.memory.weights);
}

TEST_CASE("a model is whole on each of several cores, and all of them run", "[neuron]") {
  const Told told("cores=4;latency=0.004");
  const auto backend = opened();
  const Life one = life_of(*backend, 1, 1, told), four = life_of(*backend, 4, 4, told);
  CHECK(four.rate > 2.5 * one.rate);  // four times where the host is quiet
  check_same_in_all(one.output, four.output, 4);
  SECTION("memory is that of one core, whose end is what matters") {
    CHECK(four.memory.weights == one.memory.weights);
    CHECK(four.memory.activations == one.memory.activations);
    CHECK(four.memory.workspace == one.memory.workspace);
  }
  SECTION("with more in flight on each") {
    const Life eight = life_of(*backend, 4, 8, told);
    check_same_in_all(one.output, eight.output, 8);
    CHECK(eight.memory.activations == 2 * one.memory.activations);
  }
}

TEST_CASE("what the process has no cores for is unsupported", "[neuron]") {
  const Told told("cores=2");
  const auto backend = opened();
  LoadReport report;
  const auto ending_of = [&](int cores, int instances) {
    const auto model = backend->load(small_model(), options_on(cores, instances), report);
    return model ? Ending{} : model.error();
  };
  CHECK(ending_of(2, 2).status == TrialStatus::ok);
  CHECK(ending_of(4, 4).reason.find("4 NeuronCores are wanted, and this process has 2") == 0);
  CHECK(ending_of(2, 3).status == TrialStatus::unsupported);
  CHECK(ending_of(0, 1).status == TrialStatus::unsupported);
}

TEST_CASE("memory that ends on one of the cores ends the trial", "[neuron]") {
  const Told told("cores=2;memory=1118000");  // of each: fits weights and code
  const auto backend = opened();
  const LoadOptions options = options_on(2, 4);
  const auto model = loaded(*backend, options);
  const auto program = model->prepare({options.group, 8});
  REQUIRE_FALSE(program);
  CHECK(program.error().status == TrialStatus::out_of_memory);
}

TEST_CASE("a variant is compiled with its own arguments, and computes by them", "[neuron]") {
  const Told told("latency=0.001");
  const auto backend = opened(told.cache());
  const auto output_of = [&](const char* name, const char* arguments, LoadReport& report) {
    LoadOptions options = options_of();
    options.group.variant = name;
    options.variant_arguments = arguments;
    const auto model = loaded(*backend, options, &report);
    const auto program = prepared(*model, options, 2);
    REQUIRE(program->run(1));
    return program->read_output(2).value();
  };
  LoadReport base, cast, again;
  const auto exact = output_of("base", "", base);
  const auto rounded = output_of("bf16", "--auto-cast all", cast);
  CHECK(told.compilations() == 2);
  REQUIRE(exact.size() == rounded.size());
  CHECK(exact != rounded);
  for (std::size_t i = 0; i < exact.size(); ++i)
    CHECK(std::abs(exact[i] - rounded[i]) <= 0.01F * std::abs(exact[i]) + 1e-6F);
  CHECK(output_of("bf16", "--auto-cast all", again) == rounded);
  CHECK(told.compilations() == 2);
  CHECK(base.compiled.empty());
  CHECK(again.compiled == std::vector<std::int64_t>{2});
}

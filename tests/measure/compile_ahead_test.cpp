// Compilers over real worker processes: what a preparation waited for them is told, and what goes on
// in the background reaches the model.
#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/worker_measurer.h"

using namespace batchtune;

namespace {

Candidate compiled_candidate(std::int64_t batch) {
  Candidate candidate = simulated_candidate(batch);
  candidate.group.backend = "compiling";
  return candidate;
}

WorkerMeasurerOptions compiling_options() {
  WorkerMeasurerOptions options = simulated_options("");
  options.backends = {{"compiling", "", MemoryKind::account, "", {}}};
  return options;
}

Preparation prepare(WorkerMeasurer& measurer, TrialId trial, std::int64_t batch,
                    Seconds* device_time = nullptr) {
  const auto observation = measurer.prepare(trial, compiled_candidate(batch));
  REQUIRE(observation);
  if (device_time) *device_time = observation->device_time;
  return std::get<Preparation>(observation->what);
}

}  // namespace

TEST_CASE("a preparation tells what it waited for the compiler, and what was compiled already",
          "[measurer][compiles]") {
  WorkerMeasurer measurer(compiling_options());
  const Preparation first = prepare(measurer, 1, 1);
  CHECK(first.ending == Ending{});
  CHECK(first.compile_seconds == 60.0);
  CHECK(first.prepare_seconds == 61);
  CHECK(first.load_seconds == 5);
  CHECK(first.compiled == std::vector<std::int64_t>{4});
  const Preparation cached = prepare(measurer, 2, 4);
  CHECK(cached.compile_seconds == 0.0);
  CHECK(cached.load_seconds == 0);
  CHECK(cached.compiled.empty());
}

TEST_CASE("what is compiled ahead is waited for only to its end", "[measurer][compiles]") {
  WorkerMeasurer measurer(compiling_options());
  (void)prepare(measurer, 1, 1);
  measurer.compile_ahead(compiled_candidate(8));
  CHECK(prepare(measurer, 2, 8).compile_seconds == 20.0);
  CHECK(prepare(measurer, 3, 16).compile_seconds == 60.0);
}

TEST_CASE("compiling ahead loads the model, and the first preparation tells of that",
          "[measurer][compiles]") {
  int loads = 0;
  WorkerMeasurerOptions options = compiling_options();
  options.on_load = [&](const LoadNotice&) { ++loads; };
  WorkerMeasurer measurer(std::move(options));
  measurer.compile_ahead(compiled_candidate(1));
  CHECK(loads == 1);
  const Preparation first = prepare(measurer, 1, 1);
  CHECK(loads == 1);
  CHECK(first.compile_seconds == 20.0);
  CHECK(first.load_seconds == 5);
  CHECK(first.compiled == std::vector<std::int64_t>{4});
}

TEST_CASE("batch 1, where it is compiled for the check of outputs, is waited for as well",
          "[measurer][compiles]") {
  WorkerMeasurer measurer(compiling_options());
  Seconds device_time = 0;
  const Preparation first = prepare(measurer, 1, 2, &device_time);
  CHECK(first.compile_seconds == 120.0);
  CHECK(first.prepare_seconds >= *first.compile_seconds);
  CHECK(device_time >= 122);
  CHECK(prepare(measurer, 2, 1).compile_seconds == 0.0);
}

TEST_CASE("compiling ahead for a backend that is not there is no error", "[measurer][compiles]") {
  WorkerMeasurer measurer(compiling_options());
  Candidate foreign = compiled_candidate(1);
  foreign.group.backend = "gpu";
  measurer.compile_ahead(foreign);
  CHECK(prepare(measurer, 1, 1).ending == Ending{});
}

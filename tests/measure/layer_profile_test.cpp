// Layers of a program, profiled alone in a real process.
#include "tuner/measure/layer_profile.h"

#include <string>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;

namespace {

constexpr Seconds kPatient = 30;

protocol::Profiled profile(const std::string& backend, const std::string& parameters,
                           std::int64_t batch = 4, Seconds timeout = kPatient) {
  Candidate candidate = simulated_candidate(batch);
  candidate.group.backend = backend;
  const MeasuredBackend measured{backend, parameters, MemoryKind::account, "", {}};
  auto result =
      profile_alone(measured, write_model(small_model()), candidate, {1, timeout, 5});
  REQUIRE(result);
  return std::move(*result);
}

}  // namespace

TEST_CASE("layers come with the time of a run that is not profiled", "[profile]") {
  const protocol::Profiled told = profile("simulated", "overhead=1ms");
  CHECK(told.ending == Ending{});
  CHECK(told.run > 1e-3);
  Seconds sum = 0;
  for (const LayerTime& layer : told.layers) sum += layer.seconds;
  CHECK(sum == Approx(told.run));
  REQUIRE_FALSE(told.layers.empty());
  CHECK(told.layers.back().name == small_model().ops.back().name);
}

TEST_CASE("a backend that cannot tell layers apart gives none, and no error", "[profile]") {
  const protocol::Profiled told = profile("hungry", "0");
  CHECK(told.ending == Ending{});
  CHECK(told.run > 0);
  CHECK(told.layers.empty());
}

TEST_CASE("a program that ends otherwise while it is profiled says how", "[profile]") {
  CHECK(profile("simulated", "wall=64KiB").ending.status == TrialStatus::out_of_memory);
  CHECK(profile("simulated", "crash=4").ending.status == TrialStatus::crashed);
  const Ending later = profile("simulated", "crash=4@3").ending;  // beyond the first run
  CHECK(later.status == TrialStatus::crashed);
  CHECK(later.evidence.find("profiling batch 4") != std::string::npos);
  CHECK(profile("simulated", "hang=4@3", 4, 0.3).ending.status == TrialStatus::timeout);
  CHECK(profile("throws", "").ending.status == TrialStatus::out_of_memory);
  const MeasuredBackend unknown{"simulated", "no such parameter", MemoryKind::account, "", {}};
  CHECK_FALSE(profile_alone(unknown, "", simulated_candidate(1), {}));
}

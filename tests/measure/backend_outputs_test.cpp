// Backends that compute something else are told apart from those that round.
#include <cmath>
#include <limits>
#include <vector>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/backend_outputs.h"
#include "tuner/measure/output_check.h"

using namespace batchtune;

namespace {

CandidateGroup group_of(const std::string& backend, DType dtype = DType::f32) {
  CandidateGroup group;
  group.backend = backend;
  group.dtype = dtype;
  return group;
}

// The backends "cold" (output 1) and "kernels:wrong" (output 2) in one session.
WorkerMeasurerOptions unlike_backends(OutputCheck first, OutputCheck second) {
  WorkerMeasurerOptions options = simulated_options("");
  options.backends = {{"cold", "0", MemoryKind::account, "", {}, first},
                      {"kernels", "wrong", MemoryKind::account, "", {}, second}};
  return options;
}

Preparation prepare(WorkerMeasurer& measurer, TrialId trial, const std::string& backend) {
  const auto observation = measurer.prepare(trial, {group_of(backend), 2});
  REQUIRE(observation);
  return std::get<Preparation>(observation->what);
}

}  // namespace

TEST_CASE("a difference is relative to the largest value expected", "[output]") {
  CHECK(relative_difference({100, 1}, {100, 2}) == Approx(0.01));
  CHECK(relative_difference({0, 0}, {0, 0}) == 0);
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(relative_difference({0, 0}, {0, 1}) == infinite);
  CHECK(relative_difference({1}, {1, 2}) == infinite);
  CHECK(relative_difference({1}, {std::nanf("")}) == infinite);
}

TEST_CASE("outputs are held against the first of their data type, else against the first",
          "[output]") {
  BackendOutputs outputs;
  CHECK_FALSE(outputs.add(group_of("a", DType::bf16), {1}));
  const auto other_type = outputs.add(group_of("b"), {1.02F});
  REQUIRE(other_type);
  CHECK(other_type->against == group_of("a", DType::bf16));
  CHECK(other_type->allowed == output_tolerance_of(DType::bf16));
  CHECK(other_type->agree());
  CandidateGroup split = group_of("b");
  split.instances = 2;
  CHECK_FALSE(outputs.add(split, {9}));
  CandidateGroup variant = group_of("b");
  variant.variant = "fast";
  const auto other_variant = outputs.add(variant, {1.01F});
  REQUIRE(other_variant);
  CHECK(other_variant->against == group_of("b"));
  CHECK_FALSE(outputs.add(variant, {9}));
  const auto same_type = outputs.add(group_of("c"), {1.03F});
  REQUIRE(same_type);
  CHECK(same_type->against == group_of("b"));
  CHECK(same_type->error == Approx(0.01 / 1.02).epsilon(1e-3));
  CHECK_FALSE(same_type->agree());
}

TEST_CASE("a backend that computes something else is told, and given up where that is strict",
          "[output]") {
  const auto [first, second, status, told] =
      GENERATE(table<OutputCheck, OutputCheck, TrialStatus, int>(
          {{OutputCheck::strict, OutputCheck::strict, TrialStatus::wrong_result, 1},
           {OutputCheck::strict, OutputCheck::warn, TrialStatus::ok, 1},
           {OutputCheck::warn, OutputCheck::strict, TrialStatus::ok, 1},
           {OutputCheck::strict, OutputCheck::off, TrialStatus::ok, 0}}));
  WorkerMeasurerOptions options = unlike_backends(first, second);
  std::vector<OutputNotice> notices;
  options.on_outputs = [&](const OutputNotice& notice) { notices.push_back(notice); };
  WorkerMeasurer measurer(options);
  CHECK(prepare(measurer, 1, "cold").ending.status == TrialStatus::ok);
  const Preparation other = prepare(measurer, 2, "kernels");
  CHECK(other.ending.status == status);
  REQUIRE(static_cast<int>(notices.size()) == told);
  if (told == 0) return;
  CHECK(notices[0].error == 1);
  if (status == TrialStatus::ok) return;
  CHECK(other.ending.reason == "the output of sample 0 differs from that of cold f32, 1 thread");
  CHECK(prepare(measurer, 3, "cold").ending.status == TrialStatus::ok);  // the first stays right
}

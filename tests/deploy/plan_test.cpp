// Plans of training jobs: the guide's names, what fits, and why a plan is impossible.
#include "tuner/deploy/plan.h"

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

// 1 GB of parameters in 2 bytes, 1 GB a sample: state 16 GB with Adam.
TrainingCounts gigabyte_model() {
  return {.parameters = 1e9, .dense_parameters = 1e9, .forward_elements = 0.5e9, .kept_elements = 0.5e9};
}

PlanRequest request_for(std::int64_t global, int ranks, double memory) {
  PlanRequest request;
  request.global_batch = global;
  request.data_parallel = ranks;
  request.training.memory_bytes = memory;
  return request;
}

TrainingPlan planned(const PlanRequest& request) {
  const auto plan = plan_training(gigabyte_model(), request);
  if (!plan) FAIL(to_string(plan.error()));
  return *plan;
}

std::string refused(const PlanRequest& request) {
  const auto plan = plan_training(gigabyte_model(), request);
  REQUIRE_FALSE(plan);
  return to_string(plan.error());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool has_lever(const TrainingPlan& plan, const std::string& part) {
  for (const TrainingLever& lever : plan.levers)
    if (contains(lever.what, part)) return true;
  return false;
}

}  // namespace

TEST_CASE("global, replica and micro-batch multiply as the guide names them", "[deploy][plan]") {
  const TrainingPlan plan = planned(request_for(1024, 8, 16e9 + 50e9));
  REQUIRE(plan.chosen);
  CHECK(plan.replica_batch == 128);
  CHECK(plan.chosen->size == 32);  // 50 samples fit, and 32 is the largest divisor of 128 below
  CHECK(plan.chosen->steps == 4);
  CHECK(plan.chosen->size * plan.chosen->steps * plan.data_parallel == plan.global_batch);
  CHECK(plan.memory.batch == 50);
  CHECK(plan.cores() == 8);
}

TEST_CASE("every divisor of the replica batch is listed with what it needs", "[deploy][plan]") {
  const TrainingPlan plan = planned(request_for(96, 8, 16e9 + 6e9));
  REQUIRE(plan.splits.size() == 6);  // 12, 6, 4, 3, 2, 1
  std::int64_t before = 13;
  for (const MicroBatch& split : plan.splits) {
    CHECK(split.size < before);
    before = split.size;
    CHECK(split.size * split.steps == 12);
    CHECK(split.bytes == Approx(16e9 + static_cast<double>(split.size) * 1e9));
    CHECK(split.fits == (split.size <= 6));
  }
  CHECK(plan.chosen->size == 6);  // exactly what there is room for
}

TEST_CASE("a replica batch that fits whole is not accumulated", "[deploy][plan]") {
  const TrainingPlan plan = planned(request_for(64, 8, 16e9 + 100e9));
  CHECK(plan.chosen->size == 8);
  CHECK(plan.chosen->steps == 1);
  CHECK(contains(plan.reason, "nothing is accumulated"));
}

TEST_CASE("a global batch that the ranks cannot share is refused with the nearest that they can", "[deploy][plan]") {
  const std::string error = refused(request_for(1020, 8, 16e9));
  CHECK(contains(error, "8 data-parallel ranks share evenly"));
  CHECK(contains(error, "1016 and 1024"));
  CHECK(contains(refused(request_for(5, 8, 16e9)), "The smallest is 8"));
  CHECK(contains(refused(request_for(0, 1, 16e9)), "--global-batch"));
  CHECK(contains(refused(request_for(kLargestGlobalBatch + 1, 1, 16e9)), "--global-batch"));
}

TEST_CASE("workers hold whole ranks, or ranks whole workers", "[deploy][plan]") {
  PlanRequest request = request_for(1024, 8, 100e9);
  CHECK(planned(request).worker_batch == 128);  // one for each rank
  request.workers = 2;
  CHECK(planned(request).worker_batch == 512);  // four ranks on each
  request.workers = 16;
  CHECK(planned(request).worker_batch == 128);  // two to a rank: both see its samples
  request.workers = 3;
  CHECK(contains(refused(request), "--workers"));
}

TEST_CASE("a plan without room says what is missing and what would make room", "[deploy][plan]") {
  const TrainingPlan state = planned(request_for(1024, 8, 10e9));
  CHECK(state.nothing_fits());
  CHECK_FALSE(state.chosen);
  CHECK(contains(state.reason, "alone need"));
  CHECK(has_lever(state, "--shard-optimizer"));
  CHECK(has_lever(state, "adam-bf16"));
  CHECK(has_lever(state, "--tp 2 (16 cores)"));
  CHECK(has_lever(state, "--pp 2 (16 cores)"));
  CHECK(has_lever(state, "of memory for each core"));
  for (const TrainingLever& lever : state.levers) CHECK(lever.micro_batch > 0);

  const TrainingPlan sample = planned(request_for(1024, 8, 16.5e9));
  CHECK(sample.nothing_fits());
  CHECK(contains(sample.reason, "one sample needs"));
}

TEST_CASE("levers hold what they promise", "[deploy][plan]") {
  PlanRequest request = request_for(1024, 8, 10e9);
  const TrainingPlan without = planned(request);
  request.training.optimizer_shards = 8;
  const TrainingPlan sharded = planned(request);
  REQUIRE(sharded.chosen);
  for (const TrainingLever& lever : without.levers)
    if (contains(lever.what, "--shard-optimizer")) CHECK(lever.micro_batch == sharded.chosen->size);
  request = request_for(1024, 8, without.splits.back().bytes);
  CHECK(planned(request).chosen->size == 1);
}

TEST_CASE("what does not help is no lever", "[deploy][plan]") {
  const TrainingPlan plan = planned(request_for(1024, 8, 1e9));  // not even weights and gradients
  CHECK_FALSE(has_lever(plan, "--shard-optimizer"));
  CHECK_FALSE(has_lever(plan, "adam-bf16"));
  CHECK_FALSE(has_lever(planned(request_for(64, 1, 10e9)), "--shard-optimizer"));  // nobody to share with
}

TEST_CASE("a global batch with poor divisors names better ones nearby", "[deploy][plan]") {
  const TrainingPlan prime = planned(request_for(127 * 8, 8, 16e9 + 50e9));
  REQUIRE(prime.chosen);
  CHECK(prime.chosen->size == 1);
  REQUIRE(prime.nearby.size() == 2);
  CHECK(prime.nearby[0].global_batch == 126 * 8);
  CHECK(prime.nearby[0].micro.size == 42);
  CHECK(prime.nearby[1].global_batch == 128 * 8);
  CHECK(prime.nearby[1].micro.size == 32);
  CHECK(planned(request_for(1024, 8, 16e9 + 50e9)).nearby.empty());
}

TEST_CASE("without a memory nothing is chosen and all is counted", "[deploy][plan]") {
  const TrainingPlan plan = planned(request_for(1024, 8, 0));
  CHECK_FALSE(plan.chosen);
  CHECK_FALSE(plan.nothing_fits());
  CHECK_FALSE(plan.formula);
  CHECK(plan.levers.empty());
  CHECK(plan.splits.size() == 8);
  for (const MicroBatch& split : plan.splits) CHECK(split.fits);
}

TEST_CASE("a pipeline is left enough steps to be busy", "[deploy][plan]") {
  PlanRequest request = request_for(1024, 8, 200e9);
  request.training.pipeline_parallel = 4;
  const TrainingPlan plan = planned(request);
  REQUIRE(plan.chosen);
  CHECK(plan.chosen->steps == 16);  // 4 for each stage
  CHECK(plan.chosen->size == 8);
  CHECK(plan.chosen->idle == Approx(3.0 / 19));
  CHECK(contains(plan.reason, "idle"));
  CHECK(plan.cores() == 32);
  // Fewer samples than that: as many steps as there are.
  request.global_batch = 64;
  CHECK(planned(request).chosen->steps == 8);
}

TEST_CASE("a first stage keeps no more micro-batches than there are", "[deploy][plan]") {
  PlanRequest request = request_for(64, 8, 0);
  request.training.pipeline_parallel = 4;
  const TrainingPlan plan = planned(request);
  const double state = plan.memory.state_bytes();
  CHECK(plan.splits[0].steps == 1);
  CHECK(plan.splits[0].bytes - state == Approx(8e9 / 4));  // one in flight, a quarter of the layers
  CHECK(plan.splits[3].steps == 8);
  CHECK(plan.splits[3].bytes - state == Approx(1e9));  // four in flight
}

TEST_CASE("bad figures of a plan are refused by name", "[deploy][plan]") {
  PlanRequest request = request_for(64, 8, 16e9);
  request.training.tensor_parallel = 0;
  CHECK(contains(refused(request), "--tp"));
  request = request_for(64, 0, 16e9);
  CHECK(contains(refused(request), "--data-parallel"));
}

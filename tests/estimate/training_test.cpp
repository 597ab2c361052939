// Training: the guide's formula and the memory model beside it.
#include "tuner/estimate/training.h"

#include "tests/support/catch.h"
#include "tuner/estimate/catalogue.h"

using namespace batchtune;

namespace {

TrainingOptions guide_example() {
  return {.memory_bytes = 16e9, .state_bytes = 4};
}

ModelSummary bert_like() {
  ModelSummary model;
  model.parameters = 340e6;
  model.dense_parameters = 302e6;
  model.activation_bytes_per_sample = 400e6;  // f32
  return model;
}

}  // namespace

TEST_CASE("the guide's training example gives 8", "[estimate][training]") {
  const auto formula = training_formula(300e6, guide_example());
  REQUIRE(formula);
  CHECK(formula->exact == Approx(8.0).epsilon(1e-14));
  CHECK(formula->batch == 8);
}

TEST_CASE("the guide's example follows from its device", "[estimate][training]") {
  const DeviceInfo device = *find_device("trainium");
  TrainingOptions options = guide_example();
  options.memory_bytes = *device.memory_bytes / device.cores;
  CHECK(training_formula(300e6, options)->batch == 8);
  options.memory_bytes = *find_device("trainium:core")->memory_bytes;
  CHECK(training_formula(300e6, options)->batch == 8);
}

TEST_CASE("the training formula rounds down to what fits", "[estimate][training]") {
  CHECK(training_formula(302e6, guide_example())->batch == 7);  // 7.95
  CHECK(training_formula(300e6 * (1 + 1e-12), guide_example())->batch == 8);
  CHECK(training_formula(300e6 * (1 + 1e-7), guide_example())->batch == 7);
  CHECK(training_formula(3e12, guide_example())->batch == 0);
}

TEST_CASE("ranks of both kinds multiply the formula's batch", "[estimate][training]") {
  TrainingOptions options = guide_example();
  options.tensor_parallel = 4;
  options.pipeline_parallel = 2;
  CHECK(training_formula(300e6, options)->batch == 64);
}

TEST_CASE("the memory model gives the largest batch that fits and all its terms",
          "[estimate][training]") {
  TrainingOptions options{
      .memory_bytes = 16e9, .state_bytes = 4, .optimizer_bytes = 12, .activation_bytes = 2};
  const auto estimate = estimate_training(bert_like(), options);
  REQUIRE(estimate);
  const TrainingMemory& memory = estimate->memory;
  CHECK(memory.weight_bytes == Approx(340e6 * 2));
  CHECK(memory.gradient_bytes == Approx(340e6 * 2));
  CHECK(memory.optimizer_bytes == Approx(340e6 * 12));
  CHECK(memory.activation_bytes_per_sample == Approx(200e6));
  CHECK(memory.free_bytes == Approx(16e9 - 340e6 * 16));
  const double state = memory.weight_bytes + memory.gradient_bytes + memory.optimizer_bytes;
  CHECK(state + static_cast<double>(memory.batch) * 200e6 <= 16e9);
  CHECK(state + static_cast<double>(memory.batch + 1) * 200e6 > 16e9);
}

TEST_CASE("the training batch is 0 when the state alone does not fit", "[estimate][training]") {
  TrainingOptions options = guide_example();
  options.memory_bytes = 1e9;
  const auto estimate = estimate_training(bert_like(), options);
  CHECK(estimate->memory.free_bytes < 0);
  CHECK(estimate->memory.batch == 0);
}

TEST_CASE("pipeline stages share the state but not the activations in flight",
          "[estimate][training]") {
  TrainingOptions one = guide_example(), four = guide_example();
  four.pipeline_parallel = 4;
  const auto a = estimate_training(bert_like(), one)->memory;
  const auto b = estimate_training(bert_like(), four)->memory;
  CHECK(b.weight_bytes == Approx(a.weight_bytes / 4));
  CHECK(b.activation_bytes_per_sample == a.activation_bytes_per_sample);
}

TEST_CASE("bad training figures are refused by name", "[estimate][training]") {
  TrainingOptions options = guide_example();
  options.tensor_parallel = 0;
  const auto formula = training_formula(300e6, options);
  REQUIRE_FALSE(formula);
  CHECK(to_string(formula.error()).find("--tp") != std::string::npos);
  options = guide_example();
  options.optimizer_bytes = -1;
  CHECK(training_formula(300e6, options).error().where == "--optimizer-bytes");
  CHECK_FALSE(training_formula(0, guide_example()));
}

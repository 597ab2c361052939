// Training: the guide's formula and the memory model beside it.
#include "tuner/estimate/training.h"

#include <limits>

#include "tests/support/catch.h"
#include "tuner/estimate/catalogue.h"
#include "tuner/estimate/optimizers.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;

namespace {

TrainingOptions guide_example() {
  return {.memory_bytes = 16e9, .state_bytes = 4};
}

TrainingCounts bert_like() {
  return {.parameters = 340e6, .dense_parameters = 302e6, .forward_elements = 100e6, .kept_elements = 120e6};
}

TrainingCounts counts_of(const std::string& name) {
  const auto model = load_model(name);
  REQUIRE(model);
  return training_counts(*model);
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
  CHECK(memory.forward_bytes_per_sample == Approx(200e6));
  CHECK(memory.activation_bytes_per_sample == Approx(240e6));
  CHECK(memory.free_bytes == Approx(16e9 - 340e6 * 16));
  CHECK(memory.state_bytes() + static_cast<double>(memory.batch) * 240e6 <= 16e9);
  CHECK(memory.state_bytes() + static_cast<double>(memory.batch + 1) * 240e6 > 16e9);
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

TEST_CASE("the guide's broken activations example is the sum of forward tensors", "[estimate][training]") {
  // "roughly 16 x <..> x <num_layers> x <..> = 100MB x": 16 x sequence x hidden x layers x 2 bytes.
  const double guide = 16.0 * 128 * 1024 * 24 * 2;
  CHECK(guide == Approx(100e6).epsilon(0.01));
  CHECK(counts_of("bert-large").forward_elements * 2 == Approx(guide).epsilon(0.01));
}

TEST_CASE("activations kept of a transformer are those of the literature", "[estimate][training]") {
  // Korthikanti et al. 2022, equation 1, in bf16: s h (34 + 5 a s / h) a layer with dropout; its masks are 2 + a s / h.
  for (const double sequence : {128.0, 384.0}) {
    const double hidden = 1024, heads = 16, layers = 24;
    const double layer = sequence * hidden * (32 + 4 * heads * sequence / hidden);
    const TrainingCounts counts =
        counts_of("bert-large@seq=" + std::to_string(static_cast<int>(sequence)));
    CHECK(counts.kept_elements * 2 == Approx(layer * layers).epsilon(0.01));
  }
}

TEST_CASE("training keeps what a batch norm reads, and ReLU nothing beside its output", "[estimate][training]") {
  const TrainingCounts resnet = counts_of("resnet-50"), vgg = counts_of("vgg-16");
  CHECK(resnet.kept_elements > 1.8 * resnet.forward_elements);
  CHECK(resnet.kept_elements < 2 * resnet.forward_elements);
  CHECK(vgg.kept_elements == vgg.forward_elements);  // without batch norms
}

TEST_CASE("an optimizer that is shared keeps a part on each core", "[estimate][training]") {
  TrainingOptions options = guide_example();
  const auto alone = training_memory(bert_like(), options);
  options.optimizer_shards = 8;
  const auto shared = training_memory(bert_like(), options);
  CHECK(shared->optimizer_bytes == Approx(alone->optimizer_bytes / 8));
  CHECK(shared->weight_bytes == alone->weight_bytes);
  CHECK(shared->batch > alone->batch);
}

TEST_CASE("without a memory there are the parts and no batch", "[estimate][training]") {
  TrainingOptions options = guide_example();
  options.memory_bytes = 0;
  const auto memory = training_memory(bert_like(), options);
  REQUIRE(memory);
  CHECK(memory->weight_bytes > 0);
  CHECK(memory->batch == 0);
  CHECK(memory->free_bytes == 0);
  CHECK_FALSE(training_formula(300e6, options));
  options.memory_bytes = std::numeric_limits<double>::infinity();
  CHECK_FALSE(training_memory(bert_like(), options));
}

TEST_CASE("optimizers are between the guide's 4 and 12 bytes of a 2-byte weight", "[estimate][training]") {
  for (const Optimizer& optimizer : optimizers()) {
    INFO(optimizer.name);
    CHECK(bytes_per_parameter(optimizer, DType::bf16) >= 4);
    CHECK(bytes_per_parameter(optimizer, DType::bf16) <= 12);
    CHECK(bytes_per_parameter(optimizer, DType::f32) <= bytes_per_parameter(optimizer, DType::bf16));
    CHECK(find_optimizer(optimizer.name)->name == optimizer.name);
  }
  CHECK(bytes_per_parameter(*find_optimizer("adam"), DType::bf16) == 12);
  CHECK(bytes_per_parameter(*find_optimizer("adam"), DType::f32) == 8);  // the weights are f32 themselves
  CHECK(bytes_per_parameter(*find_optimizer("sgd"), DType::f32) == 0);
  const auto none = find_optimizer("adamax");
  REQUIRE_FALSE(none);
  CHECK(to_string(none.error()).find("momentum") != std::string::npos);
}

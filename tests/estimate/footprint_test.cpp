// Predicted memory over the batch.
#include "tuner/estimate/footprint.h"

#include "tests/support/catch.h"
#include "tuner/workload/memory_plan.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

const CandidateGroup kGroup{
    .backend = "cpu", .dtype = DType::f32, .threads = 2, .instances = 1, .dims = {}};

Model zoo_model(const char* name) {
  auto model = build_zoo_model(name);
  REQUIRE(model);
  return *model;
}

}  // namespace

TEST_CASE("the memory line agrees with the exact plan", "[estimate][footprint]") {
  for (const char* name : {"resnet-18", "mlp", "mobilenet-v2"}) {
    const Model model = zoo_model(name);
    const MemoryLine line = planned_memory_line(model, kGroup);
    for (std::int64_t batch : {1, 2, 7, 32, 200}) {
      INFO(name << " batch " << batch);
      const auto exact = static_cast<double>(weight_bytes(model, kGroup.dtype) +
                                             plan_memory(model, batch, kGroup.dtype).arena_bytes) +
                         kWorkspacePerThread * kGroup.threads;
      CHECK(line.at(static_cast<double>(batch)) == Approx(exact).epsilon(0.01));
    }
  }
}

TEST_CASE("instances share the weights and not the activations", "[estimate][footprint]") {
  const Model model = zoo_model("resnet-18");
  CandidateGroup two = kGroup;
  two.threads = 1;
  two.instances = 2;
  const MemoryLine one_line = planned_memory_line(model, kGroup),
                   two_line = planned_memory_line(model, two);
  CHECK(two_line.weights == one_line.weights);
  CHECK(two_line.activations_at(4) == Approx(2 * one_line.activations_at(4)));
  CHECK(two_line.workspace == one_line.workspace);
}

// Predicted memory and the largest batch that fits.
#include "tuner/estimate/footprint.h"

#include <limits>

#include "tests/support/catch.h"
#include "tuner/estimate/figures.h"
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
      const auto exact = static_cast<double>(predicted_bytes(model, {kGroup, batch}));
      CHECK(line.at(static_cast<double>(batch)) == Approx(exact).epsilon(0.01));
    }
  }
}

TEST_CASE("the largest fitting batch fits and the next does not", "[estimate][footprint]") {
  const Model model = zoo_model("resnet-18");
  for (Bytes limit : {Bytes{100} << 20, Bytes{333} << 20, Bytes{2} << 30, Bytes{64} << 30}) {
    const std::int64_t batch = largest_fitting_batch(model, kGroup, limit);
    REQUIRE(batch >= 1);
    CHECK(predicted_bytes(model, {kGroup, batch}) <= limit);
    CHECK(predicted_bytes(model, {kGroup, batch + 1}) > limit);
  }
}

TEST_CASE("nothing fits below the weights, and absurd limits stay finite",
          "[estimate][footprint]") {
  const Model model = zoo_model("resnet-18");
  CHECK(largest_fitting_batch(model, kGroup, weight_bytes(model, DType::f32) - 1) == 0);
  CHECK(largest_fitting_batch(model, kGroup, 0) == 0);
  CHECK(largest_fitting_batch(model, kGroup, -1) == 0);
  const Bytes most = std::numeric_limits<Bytes>::max();
  const std::int64_t batch = largest_fitting_batch(model, kGroup, most - 1);
  CHECK(batch > 1'000'000);
  CHECK(batch <= kLargestBatch);
  CHECK(predicted_bytes(model, {kGroup, most}) == most);
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

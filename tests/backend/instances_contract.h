// What every backend's program must do with several instances; each backend's tests call it.
#pragma once

#include <algorithm>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/backend/backend.h"

namespace batchtune::test {

inline std::unique_ptr<Program> prepare_instances(LoadedModel& model, const CandidateGroup& group,
                                                  std::int64_t batch) {
  auto program = model.prepare({group, batch});
  INFO((program ? "" : program.error().reason + " " + program.error().evidence));
  REQUIRE(program);
  (*program)->set_input(1);
  return std::move(*program);
}

// `load(group)`: a loaded model of that group.
template <typename Load>
void check_instances_contract(CandidateGroup group, Load load) {
  constexpr std::int64_t kBatch = 3, kSamples = 2;
  constexpr int kRuns = 4;
  group.instances = 1;
  const auto alone = load(group);
  const auto one = prepare_instances(*alone, group, kBatch);
  REQUIRE(one->run(1));
  const std::vector<float> expected = one->read_output(kSamples).value();
  for (int instances = 1; instances <= 3; ++instances) {
    INFO(instances << " instances");
    group.instances = instances;
    const auto model = load(group);
    const auto program = prepare_instances(*model, group, kBatch);
    for (const int runs : {1, kRuns}) {
      const RunTimes times = program->run(runs).value();
      REQUIRE(times.seconds.size() == static_cast<std::size_t>(runs * instances));
      for (int instance = 0; instance < instances; ++instance)
        CHECK(std::count(times.instance.begin(), times.instance.end(), instance) == runs);
      CHECK(*std::min_element(times.seconds.begin(), times.seconds.end()) > 0);
    }
    const std::vector<float> output = program->read_output(kSamples).value();
    REQUIRE(output.size() == expected.size() * static_cast<std::size_t>(instances));
    for (std::size_t i = 0; i < output.size(); ++i)
      REQUIRE(output[i] == expected[i % expected.size()]);
    const MemoryUse single = one->memory(), all = program->memory();
    CHECK(all.activations == instances * single.activations);
    CHECK(all.workspace == instances * single.workspace);
    CHECK(all.weights == (model->shares_weights() ? 1 : instances) * single.weights);
  }
}

}  // namespace batchtune::test

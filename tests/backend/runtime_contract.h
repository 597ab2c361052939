// What a runtime's backend must do on any model; each runtime's tests call it.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/backend/instances_contract.h"
#include "tests/support/catch.h"
#include "tests/support/npz.h"
#include "tuner/backend/backend.h"
#include "tuner/workload/weights.h"

namespace batchtune::test {

inline LoadOptions options_of_runtime(DType dtype, int threads, int instances) {
  LoadOptions options;
  options.group = {"runtime", dtype, threads, instances, {}};
  return options;
}

inline std::unique_ptr<LoadedModel> load_in_runtime(Backend& backend, const Model& model,
                                                    const LoadOptions& options,
                                                    LoadReport* seen = nullptr) {
  LoadReport report;
  auto loaded = backend.load(model, options, report);
  INFO((loaded ? "" : loaded.error().reason + "; " + loaded.error().evidence));
  REQUIRE(loaded);
  if (seen != nullptr) *seen = report;
  return std::move(*loaded);
}

// Relative to the largest magnitude of `expected`.
inline double difference_of(const std::vector<float>& expected, const std::vector<float>& found) {
  REQUIRE(expected.size() == found.size());
  double magnitude = 1e-30, difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE(std::isfinite(found[i]));
    magnitude = std::max(magnitude, std::abs(static_cast<double>(expected[i])));
    difference = std::max(difference, std::abs(static_cast<double>(expected[i]) - found[i]));
  }
  return difference / magnitude;
}

// One output of one run of a batch.
inline std::vector<float> output_in_runtime(LoadedModel& model, const CandidateGroup& group,
                                            std::int64_t batch, std::int64_t samples) {
  const auto program = prepare_instances(model, group, batch);
  REQUIRE(program->run(1));
  return program->read_output(samples).value();
}

// The rules of the contract, and what a runtime's figures are.
inline void check_runtime_contract(Backend& backend, const Model& model, DType dtype) {
  const LoadOptions options = options_of_runtime(dtype, 2, 1);
  check_conformance(backend, model, options);
  const auto loaded = load_in_runtime(backend, model, options);
  CHECK(loaded->load_seconds() > 0);
  const auto program = prepare_instances(*loaded, options.group, 4);
  CHECK(program->memory().kind == MemoryKind::rss);
  CHECK(program->memory().activations > 0);
}

// Instances side by side give each the same as one alone.
inline void check_runtime_instances(Backend& backend, const Model& model) {
  check_instances_contract(backend, model, options_of_runtime(DType::f32, 1, 1));
}

inline Ending refusal_of(Backend& backend, const Model& model, const LoadOptions& options) {
  LoadReport report;
  const auto loaded = backend.load(model, options, report);
  REQUIRE_FALSE(loaded);
  return loaded.error();
}

// Samples of a file, in the Model's order, are those that it computes on: the file has the seeded
// samples 1 and 0 of the model's one input.
inline void check_runtime_samples(Backend& backend, const Model& model, DType dtype) {
  const Op& input = model.ops.front();
  const auto count = static_cast<std::size_t>(elements(input.output));
  std::vector<float> values(2 * count);
  fill_input(1, input, 1, std::span(values).first(count));
  fill_input(1, input, 0, std::span(values).last(count));
  std::string shape = "(2";
  for (const std::int64_t size : input.output) shape += ", " + std::to_string(size);
  const SamplesFile file(
      npz_bytes({{input.name, npy_bytes("<f4", shape + ")", bytes_of(values))}}));
  LoadOptions options = options_of_runtime(dtype, 2, 1);
  const auto seeded = load_in_runtime(backend, model, options);
  const std::vector<float> expected = output_in_runtime(*seeded, options.group, 2, 2);
  options.input_file = file.path();
  const auto given = load_in_runtime(backend, model, options);
  const std::vector<float> found = output_in_runtime(*given, options.group, 3, 3);
  const auto each = static_cast<std::ptrdiff_t>(expected.size() / 2);
  const auto part = [&](const std::vector<float>& all, int sample) {
    return std::vector<float>(all.begin() + sample * each, all.begin() + (sample + 1) * each);
  };
  for (const auto& [of_given, of_seeded] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{2, 1}})
    CHECK(difference_of(part(expected, of_seeded), part(found, of_given)) <=
          seeded->output_tolerance());
  CHECK(difference_of(part(expected, 0), part(found, 0)) > seeded->output_tolerance());
  options.input_file += ".gone";
  CHECK(refusal_of(backend, model, options).evidence.find(".gone") != std::string::npos);
}

// Layers with a name and a time, whose sum is of the size of a run.
inline std::vector<LayerTime> check_runtime_profile(Backend& backend, const Model& model) {
  const LoadOptions options = options_of_runtime(DType::f32, 1, 1);
  const auto loaded = load_in_runtime(backend, model, options);
  const auto program = prepare_instances(*loaded, options.group, 2);
  REQUIRE(program->run(1));
  const std::vector<float> before = program->read_output(2).value();
  const auto layers = program->profile(3);
  INFO((layers ? "" : layers.error().reason + "; " + layers.error().evidence));
  REQUIRE(layers);
  Seconds sum = 0;
  for (const LayerTime& layer : *layers) {
    CHECK_FALSE(layer.name.empty());
    CHECK_FALSE(layer.kind.empty());
    CHECK(layer.seconds >= 0);
    sum += layer.seconds;
  }
  CHECK(sum > 0);
  // The program itself is as it was.
  REQUIRE(program->run(1));
  CHECK(difference_of(before, program->read_output(2).value()) <= loaded->output_tolerance());
  return *layers;
}

inline Value effective_of(const LoadReport& report, const std::string& name) {
  for (const Setting& setting : report.effective)
    if (setting.name == name) return setting.value;
  return {};
}

}  // namespace batchtune::test

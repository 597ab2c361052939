// The steps that rules are made of: load, prepare, run, read, compare. One that a backend refuses
// ends the rule: it gives a Finding where its value would be, and BT_TRY hands that on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tuner/backend/conformance/rule.h"

namespace batchtune::conformance {

template <typename T>
using Step = tl::expected<T, Finding>;

inline Finding passed(std::string seen) {
  return {Verdict::passed, std::move(seen)};
}
inline Finding advisory(std::string seen) {
  return {Verdict::advisory, std::move(seen)};
}
inline tl::unexpected<Finding> failed(std::string seen) {
  return tl::unexpected(Finding{Verdict::failed, std::move(seen)});
}
inline tl::unexpected<Finding> skipped(std::string why) {
  return tl::unexpected(Finding{Verdict::skipped, std::move(why)});
}

// A rule is a step that gives a Finding; so is what ended it.
inline Finding finding_of(Step<Finding> step) {
  return step ? *step : step.error();
}

std::string words_of(const Ending& ending);  // "out_of_memory: why (evidence)"

Step<std::unique_ptr<LoadedModel>> load(const Subject& subject, const LoadOptions& options);
inline auto load(const Subject& subject) {
  return load(subject, subject.options);
}

// Prepared, with the input of `seed`.
Step<std::unique_ptr<Program>> prepare(LoadedModel& model, const CandidateGroup& group,
                                       std::int64_t batch, std::uint64_t seed = 1);
Step<RunTimes> run(Program& program, int n = 1);

using Output = std::vector<float>;
// Skipped where the backend cannot read outputs.
Step<Output> read(Program& program, std::int64_t samples);
// One run and its output.
Step<Output> run_and_read(Program& program, std::int64_t samples);

// The largest difference, relative to the largest magnitude of `expected`; infinite where sizes
// differ or a value is no number.
double difference_of(const Output& expected, const Output& found);
// Sample `index` of an output of `samples` of one instance.
Output sample_of(const Output& output, std::int64_t samples, std::int64_t index);

// What all of a model's inputs and its output take for one sample, at the least.
Bytes values_of_a_sample(const Model& model, DType dtype);

std::string percent(double share);  // "0.013 %"
std::string bytes(Bytes count);

}  // namespace batchtune::conformance

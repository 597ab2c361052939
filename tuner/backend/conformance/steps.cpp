#include "tuner/backend/conformance/steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchtune::conformance {

std::string words_of(const Ending& ending) {
  std::string words = std::string(name_of(ending.status)) + ": " + ending.reason;
  if (!ending.evidence.empty()) words += " (" + ending.evidence + ")";
  return words;
}

Step<std::unique_ptr<LoadedModel>> load(const Subject& subject, const LoadOptions& options) {
  LoadReport report;
  auto loaded = subject.backend.load(subject.model, options, report);
  if (!loaded) return failed("loading " + subject.model.name + ": " + words_of(loaded.error()));
  return std::move(*loaded);
}

Step<std::unique_ptr<Program>> prepare(LoadedModel& model, const CandidateGroup& group,
                                       std::int64_t batch, std::uint64_t seed) {
  auto program = model.prepare({group, batch});
  if (!program)
    return failed("preparing batch " + std::to_string(batch) + ": " + words_of(program.error()));
  (*program)->set_input(seed);
  return std::move(*program);
}

Step<RunTimes> run(Program& program, int n) {
  auto times = program.run(n);
  if (!times) return failed("running: " + words_of(times.error()));
  return std::move(*times);
}

Step<Output> read(Program& program, std::int64_t samples) {
  auto output = program.read_output(samples);
  if (!output && output.error().status == TrialStatus::unsupported)
    return skipped("outputs cannot be read: " + output.error().reason);
  if (!output) return failed("reading the output: " + words_of(output.error()));
  return std::move(*output);
}

Step<Output> run_and_read(Program& program, std::int64_t samples) {
  BT_TRY_VOID(run(program));
  return read(program, samples);
}

double difference_of(const Output& expected, const Output& found) {
  if (expected.size() != found.size()) return std::numeric_limits<double>::infinity();
  double magnitude = std::numeric_limits<float>::min(), difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(expected[i]) || !std::isfinite(found[i]))
      return std::numeric_limits<double>::infinity();
    magnitude = std::max(magnitude, std::abs(static_cast<double>(expected[i])));
    difference = std::max(difference, std::abs(static_cast<double>(expected[i]) - found[i]));
  }
  return difference / magnitude;
}

Output sample_of(const Output& output, std::int64_t samples, std::int64_t index) {
  const auto size = static_cast<std::int64_t>(output.size()) / samples;
  return {output.begin() + index * size, output.begin() + (index + 1) * size};
}

Bytes values_of_a_sample(const Model& model, DType dtype) {
  const auto usual = static_cast<Bytes>(size_of(dtype));
  Bytes sum = 0;
  for (const Op& op : model.ops)
    if (op.kind == OpKind::input || op.name == model.output)
      sum += elements(op.output) *
             (op.element_bytes > 0 ? std::min<Bytes>(op.element_bytes, usual) : usual);
  return sum;
}

std::string percent(double share) {
  return format_number(100 * share, 2) + " %";
}

std::string bytes(Bytes count) {
  return format_bytes(static_cast<double>(count));
}

}  // namespace batchtune::conformance

#include "tuner/backend/conformance/rule.h"

#include "tuner/backend/conformance/checks.h"

namespace batchtune::conformance {
namespace {

constexpr char kRun[] = "run";
constexpr char kDurations[] = "durations";
constexpr char kOutput[] = "output";
constexpr char kDeterminism[] = "determinism";
constexpr char kBatches[] = "batches";

constexpr Rule kRules[] = {
    {"describe", "the device has a name and sound figures, the same at every question", nullptr,
     check_describe},
    {kRun, "the model is loaded, prepared and run at several batches", nullptr, check_run},
    {"refusals", "a batch below 1 is refused", kRun, check_refusals},
    {kDurations, "each run has a duration of its own, above 0 on the host's clock", kRun,
     check_durations},
    {"pace", "n runs take about n times as long as one", kDurations, check_pace},
    {kOutput, "the output can be read, has its size and is finite", kRun, check_output},
    {kDeterminism, "the same input gives the same output again", kOutput, check_determinism},
    {"input", "the output follows the input, also that of the last run", kDeterminism, check_input},
    {kBatches, "a sample's output is the same at every batch", kDeterminism, check_batches},
    {"lifetime", "several models and programs at once, released in any order", kBatches,
     check_lifetime},
    {"repetition", "preparing and releasing again and again takes no more", kRun, check_repetition},
    {"memory", "memory grows with the batch, and holds at least weights, inputs and outputs", kRun,
     check_memory},
    {"out_of_memory", "too large a batch is refused as out of memory, and nothing is lost",
     kDeterminism, check_out_of_memory},
    {"instances", "instances side by side each do their runs, with the same output", kDeterminism,
     check_instances},
    {"threads", "no more CPUs are used than threads were asked for", kRun, check_threads},
    {"quiet", "no thread goes on computing once a run is over", kRun, check_quiet},
    {"cancel", "a run in progress ends when it is cancelled, and another can follow", kRun,
     check_cancel},
    {kKilledRule, "a worker killed in the middle of a run leaves nothing behind", kDurations,
     nullptr},
};

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      return "skipped";
    case Verdict::advisory:
      return "advisory";
  }
  return "";
}

std::span<const Rule> rules() {
  return kRules;
}

const Rule* find_rule(std::string_view name) {
  for (const Rule& rule : kRules)
    if (rule.name == name) return &rule;
  return nullptr;
}

}  // namespace batchtune::conformance

// That a model runs, what it gives and when.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "tuner/backend/conformance/checks.h"
#include "tuner/backend/conformance/steps.h"
#include "tuner/core/stopwatch.h"

namespace batchtune::conformance {
namespace {

constexpr std::int64_t kFew = 3, kMore = 8;  // batches; odd and even, around the width of no vector
constexpr std::uint64_t kSeed = 1, kOtherSeed = 2;
constexpr double kClockSlack = 1.05;  // of reported durations over the time that passed
constexpr Seconds kClockStep = 0.001;
constexpr double kPace = 2;  // n runs against n times one: a busy machine is no fault

std::string count(std::size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string seconds_list(const RunTimes& times) {
  std::string list;
  for (const Seconds seconds : times.seconds)
    list += (list.empty() ? "" : ", ") + format_number(seconds, 3);
  return list;
}

Step<void> check_tags(const RunTimes& times, int runs, int instances) {
  const auto wanted = static_cast<std::size_t>(runs) * static_cast<std::size_t>(instances);
  if (times.seconds.size() != wanted || times.instance.size() != wanted)
    return failed(count(times.seconds.size(), "duration") + " and " +
                  count(times.instance.size(), "tag") + " instead of " + std::to_string(wanted));
  for (int instance = 0; instance < instances; ++instance)
    if (std::count(times.instance.begin(), times.instance.end(), instance) != runs)
      return failed("instance " + std::to_string(instance) + " has not " + std::to_string(runs) +
                    " durations");
  return {};
}

// A loaded model with a program of a batch, in the order in which they go.
struct Ready {
  std::unique_ptr<LoadedModel> model;
  std::unique_ptr<Program> program;
};

Step<Ready> ready(const Subject& subject, std::int64_t batch, std::uint64_t seed = kSeed) {
  Ready made;
  BT_TRY(model, load(subject));
  made.model = std::move(model);
  BT_TRY(program, prepare(*made.model, subject.options.group, batch, seed));
  made.program = std::move(program);
  return made;
}

Step<Finding> described(const Subject& subject) {
  const DeviceInfo first = subject.backend.describe(), second = subject.backend.describe();
  if (first.name.empty() || first.backend.empty()) return failed("a name is empty");
  if (first.cores < 1) return failed(std::to_string(first.cores) + " cores");
  for (const Peak& peak : first.peaks)
    if (!(std::isfinite(peak.flops_per_second) && peak.flops_per_second > 0))
      return failed("a peak of " + format_number(peak.flops_per_second, 3) + " FLOP/s");
  for (const MemoryLevel& level : first.memory_levels)
    if (!(std::isfinite(level.bytes_per_second) && level.bytes_per_second > 0))
      return failed("a bandwidth of " + format_number(level.bytes_per_second, 3) + " bytes/s");
  const bool alike = first.name == second.name && first.version == second.version &&
                     first.cores == second.cores && first.peaks == second.peaks;
  if (!alike) return failed("another description the second time: " + second.name);
  return passed(first.backend + ": " + first.name +
                (first.version.empty() ? "" : ", " + first.version));
}

Step<Finding> runs(const Subject& subject) {
  BT_TRY(model, load(subject));
  const Seconds seconds = model->load_seconds();
  if (!std::isfinite(seconds) || seconds < 0)
    return failed("loading took " + format_number(seconds, 3) + " s");
  std::string batches;
  for (const std::int64_t batch : {std::int64_t{1}, kFew, kMore}) {
    BT_TRY(program, prepare(*model, subject.options.group, batch));
    BT_TRY_VOID(run(*program));
    batches += (batches.empty() ? "" : ", ") + std::to_string(batch);
  }
  return passed("loaded in " + format_seconds(seconds) + ", batches " + batches);
}

Step<Finding> refuses(const Subject& subject) {
  BT_TRY(model, load(subject));
  std::string seen;
  for (const std::int64_t batch : {0, -1}) {
    const auto program = model->prepare({subject.options.group, batch});
    const std::string what = "batch " + std::to_string(batch);
    if (program) return failed(what + " was prepared");
    seen += (seen.empty() ? "" : "; ") + what + ": " + words_of(program.error());
  }
  return passed(seen);
}

Step<Finding> durations(const Subject& subject) {
  constexpr int kRuns = 5;
  BT_TRY(made, ready(subject, kFew));
  BT_TRY_VOID(run(*made.program));
  const Stopwatch stopwatch;
  BT_TRY(times, run(*made.program, kRuns));
  const Seconds passed_here = stopwatch.seconds();
  BT_TRY_VOID(check_tags(times, kRuns, subject.options.group.instances));
  const bool host = times.clock == ClockKind::host;
  Seconds sum = 0;
  for (const Seconds seconds : times.seconds) {
    if (!std::isfinite(seconds) || seconds < 0 || (host && seconds == 0))
      return failed(seconds_list(times) + " s");
    sum += seconds;
  }
  sum /= subject.options.group.instances;
  if (host && sum > kClockSlack * passed_here + kClockStep)
    return failed(format_seconds(sum) + " in " + std::to_string(kRuns) + " runs, while " +
                  format_seconds(passed_here) + " passed on the host's clock");
  return passed(std::to_string(kRuns) + " runs, " + format_seconds(sum / kRuns) + " each on " +
                (host                               ? "the host's clock"
                 : times.clock == ClockKind::device ? "the device's clock"
                                                    : "a virtual clock"));
}

// By the clock of this machine: what passes while n runs are made, against n times one.
Step<Finding> pace(const Subject& subject) {
  constexpr int kRuns = 8, kTimes = 9;
  BT_TRY(made, ready(subject, kMore));
  BT_TRY(first, run(*made.program, kRuns));
  if (first.clock == ClockKind::virtual_clock) return skipped("a virtual clock");
  Seconds single = std::numeric_limits<Seconds>::infinity(),
          all = single;  // the fastest: neighbours only slow
  for (int i = 0; i < kTimes; ++i) {
    const Stopwatch one;
    BT_TRY_VOID(run(*made.program));
    single = std::min(single, one.seconds());
    const Stopwatch many;
    BT_TRY_VOID(run(*made.program, kRuns));
    all = std::min(all, many.seconds());
  }
  const double ratio = all / (kRuns * single);
  const std::string seen = std::to_string(kRuns) + " runs in one call take " +
                           format_number(ratio, 2) + " x as long as so many calls";
  return ratio > kPace || ratio < 1 / kPace ? advisory(seen) : passed(seen);
}

std::int64_t output_elements(const Model& model) {
  const OpIndex output = find_op(model, model.output);
  return output < 0 ? 0 : elements(model.ops[static_cast<std::size_t>(output)].output);
}

Step<Finding> outputs(const Subject& subject) {
  BT_TRY(made, ready(subject, kFew));
  const auto instances = static_cast<std::size_t>(subject.options.group.instances);
  BT_TRY(one, run_and_read(*made.program, 1));
  BT_TRY(all, read(*made.program, kFew));
  if (one.empty()) return failed("the output is empty");
  if (all.size() != one.size() * static_cast<std::size_t>(kFew))
    return failed(count(all.size(), "value") + " of " + std::to_string(kFew) + " samples, " +
                  std::to_string(one.size()) + " of one");
  const auto known =
      static_cast<std::size_t>(std::max<std::int64_t>(0, output_elements(subject.model)));
  if (known > 0 && one.size() > known * instances)
    return failed(count(one.size(), "value") + " of a sample; the model's output has " +
                  std::to_string(known));
  for (const float value : all)
    if (!std::isfinite(value)) return failed("a value is " + std::to_string(value));
  BT_TRY(again, read(*made.program, kFew));
  if (again != all) return failed("another output when it is read a second time");
  return passed(count(one.size() / instances, "value") + " a sample");
}

Step<Finding> follows_input(const Subject& subject) {
  BT_TRY(made, ready(subject, kFew));
  const double tolerance = made.model->output_tolerance();
  BT_TRY(first, run_and_read(*made.program, kFew));
  for (std::int64_t i = 1; i < kFew; ++i)
    if (difference_of(sample_of(first, kFew * subject.options.group.instances, 0),
                      sample_of(first, kFew * subject.options.group.instances, i)) <= tolerance)
      return failed("samples 0 and " + std::to_string(i) +
                    " of one batch have the same output, and other inputs");
  made.program->set_input(kOtherSeed);
  BT_TRY(other, run_and_read(*made.program, kFew));
  const double changed = difference_of(first, other);
  if (changed <= tolerance)
    return failed("another input gives the same output (difference " + percent(changed) + ")");
  BT_TRY(fresh, ready(subject, kFew, kOtherSeed));
  BT_TRY(expected, run_and_read(*fresh.program, kFew));
  if (const double off = difference_of(expected, other); !(off <= tolerance))
    return failed("after another input the output is off by " + percent(off) +
                  " of that of a fresh program: not of the last run, or of the last input");
  made.program->set_input(kSeed);
  BT_TRY(again, run_and_read(*made.program, kFew));
  if (const double off = difference_of(first, again); !(off <= tolerance))
    return failed("the first input gives another output again: off by " + percent(off));
  return passed("another input changes the output by " + percent(changed) + ", and it comes back");
}

Step<Finding> same_at_batches(const Subject& subject) {
  BT_TRY(model, load(subject));
  const double tolerance = model->output_tolerance();
  Output reference;  // of kMore samples
  double largest = 0;
  for (const std::int64_t batch : {kMore, std::int64_t{1}, std::int64_t{2}, kFew, 2 * kMore + 1}) {
    const std::int64_t samples = std::min(batch, kMore);
    BT_TRY(program, prepare(*model, subject.options.group, batch));
    BT_TRY(output, run_and_read(*program, samples));
    if (reference.empty()) reference = output;
    for (std::int64_t i = 0; i < samples; ++i) {
      const double off =
          difference_of(sample_of(reference, kMore, i), sample_of(output, samples, i));
      if (!(off <= tolerance))
        return failed("sample " + std::to_string(i) + " of batch " + std::to_string(batch) +
                      " is off by " + percent(off) + " of batch " + std::to_string(kMore) +
                      "'s; allowed " + percent(tolerance));
      largest = std::max(largest, off);
    }
  }
  return passed("largest difference " + percent(largest) + ", allowed " + percent(tolerance));
}

Step<Finding> same_again(const Subject& subject) {
  constexpr int kTimes = 4;
  BT_TRY(made, ready(subject, kMore));
  const double tolerance = made.model->output_tolerance();
  BT_TRY(first, run_and_read(*made.program, kMore));
  double largest = 0;
  for (int i = 0; i < kTimes; ++i) {
    BT_TRY(again, run_and_read(*made.program, kMore));
    largest = std::max(largest, difference_of(first, again));
  }
  BT_TRY(fresh, prepare(*made.model, subject.options.group, kMore));
  BT_TRY(anew, run_and_read(*fresh, kMore));
  largest = std::max(largest, difference_of(first, anew));
  if (!(largest <= tolerance))
    return failed("outputs of the same input differ by " + percent(largest) + ", allowed " +
                  percent(tolerance));
  return passed(largest == 0 ? "bit for bit" : "within " + percent(largest));
}

// What one instance gives and takes, alone.
struct Alone {
  Output output;  // of kFew samples; empty where it cannot be read
  MemoryUse memory;
};

Step<Alone> alone(const Subject& subject) {
  LoadOptions options = subject.options;
  options.group.instances = 1;
  BT_TRY(model, load(subject, options));
  BT_TRY(program, prepare(*model, options.group, kFew));
  BT_TRY_VOID(run(*program));
  auto output = program->read_output(kFew);
  return Alone{output ? std::move(*output) : Output{}, program->memory()};
}

// An exact account: activations and workspace of each instance, weights once where they are shared.
Step<void> check_memory_of(const MemoryUse& all, const MemoryUse& one, int instances, bool shares) {
  if (one.kind != MemoryKind::account) return {};
  const bool adds_up = all.activations == instances * one.activations &&
                       all.workspace == instances * one.workspace &&
                       all.weights == (shares ? 1 : instances) * one.weights;
  if (adds_up) return {};
  return failed("the account of " + std::to_string(instances) + " is " + bytes(all.total()) +
                ", of one " + bytes(one.total()) + " with weights of " + bytes(one.weights));
}

Step<void> check_together(const Subject& subject, const Alone& one, int instances) {
  LoadOptions options = subject.options;
  options.group.instances = instances;
  LoadReport report;
  auto model = subject.backend.load(subject.model, options, report);
  const auto not_at_all = [](const Ending& ending) -> tl::unexpected<Finding> {
    if (ending.status == TrialStatus::unsupported) return skipped(ending.reason);
    return failed("several instances: " + words_of(ending));
  };
  if (!model) return not_at_all(model.error());
  auto program = (*model)->prepare({options.group, kFew});
  if (!program) return not_at_all(program.error());
  (*program)->set_input(kSeed);
  for (const int runs : {1, 4}) {
    BT_TRY(times, run(**program, runs));
    BT_TRY_VOID(check_tags(times, runs, instances));
  }
  BT_TRY_VOID(
      check_memory_of((*program)->memory(), one.memory, instances, (*model)->shares_weights()));
  if (one.output.empty()) return {};
  BT_TRY(output, read(**program, kFew));
  for (int instance = 0; instance < instances; ++instance) {
    const double off = difference_of(one.output, sample_of(output, instances, instance));
    if (!(off <= (*model)->output_tolerance()))
      return failed("the output of instance " + std::to_string(instance) + " is off by " +
                    percent(off) + " of that of one alone");
  }
  return {};
}

Step<Finding> side_by_side(const Subject& subject) {
  BT_TRY(one, alone(subject));
  for (const int instances : {2, 3}) BT_TRY_VOID(check_together(subject, one, instances));
  return passed("2 and 3 instances, each with the output of one alone");
}

}  // namespace

Finding check_describe(const Subject& subject) {
  return finding_of(described(subject));
}
Finding check_run(const Subject& subject) {
  return finding_of(runs(subject));
}
Finding check_refusals(const Subject& subject) {
  return finding_of(refuses(subject));
}
Finding check_durations(const Subject& subject) {
  return finding_of(durations(subject));
}
Finding check_pace(const Subject& subject) {
  return finding_of(pace(subject));
}
Finding check_output(const Subject& subject) {
  return finding_of(outputs(subject));
}
Finding check_input(const Subject& subject) {
  return finding_of(follows_input(subject));
}
Finding check_batches(const Subject& subject) {
  return finding_of(same_at_batches(subject));
}
Finding check_determinism(const Subject& subject) {
  return finding_of(same_again(subject));
}
Finding check_instances(const Subject& subject) {
  return finding_of(side_by_side(subject));
}

}  // namespace batchtune::conformance

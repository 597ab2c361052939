// What a backend takes, and gives back.
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "tuner/backend/conformance/checks.h"
#include "tuner/backend/conformance/steps.h"
#include "tuner/backend/runtime/resident.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::conformance {
namespace {

// A program with an input of its own, and what it should give for it.
struct Tenant {
  std::unique_ptr<Program> program;
  Output expected;  // of sample 0; empty where outputs cannot be read
};

Step<Tenant> move_in(LoadedModel& model, const CandidateGroup& group, std::int64_t batch,
                     std::uint64_t seed) {
  Tenant tenant;
  BT_TRY(program, prepare(model, group, batch, seed));
  tenant.program = std::move(program);
  BT_TRY_VOID(run(*tenant.program));
  auto output = read(*tenant.program, 1);
  if (output) tenant.expected = std::move(*output);
  if (!output && output.error().verdict == Verdict::failed) return tl::unexpected(output.error());
  return tenant;
}

// All run before any is read: an output is a program's own.
Step<void> live_together(std::span<Tenant* const> tenants, double tolerance, const char* when) {
  for (Tenant* tenant : tenants) BT_TRY_VOID(run(*tenant->program));
  for (Tenant* tenant : tenants) {
    if (tenant->expected.empty()) continue;
    BT_TRY(found, read(*tenant->program, 1));
    const double off = difference_of(tenant->expected, found);
    if (!(off <= tolerance))
      return failed(std::string("an output is off by ") + percent(off) + " " + when);
  }
  return {};
}

// Three programs of one model and one of another; they go in an order that is neither that of
// making nor its reverse.
Step<Finding> lives_beside(const Subject& subject) {
  const CandidateGroup& group = subject.options.group;
  BT_TRY(first, load(subject));
  const double tolerance = first->output_tolerance();
  BT_TRY(one, move_in(*first, group, 1, 1));
  BT_TRY(four, move_in(*first, group, 4, 2));
  BT_TRY(two, move_in(*first, group, 2, 3));
  BT_TRY_VOID(live_together(std::array{&two, &one, &four}, tolerance, "beside other programs"));
  BT_TRY(second, load(subject));
  BT_TRY(other, move_in(*second, group, 4, 4));
  BT_TRY_VOID(
      live_together(std::array{&one, &other, &two, &four}, tolerance, "beside another model"));
  four.program.reset();
  BT_TRY_VOID(
      live_together(std::array{&other, &two, &one}, tolerance, "after a program was released"));
  one.program.reset();
  two.program.reset();
  first.reset();
  BT_TRY_VOID(live_together(std::array{&other}, tolerance, "after another model was released"));
  other.program.reset();
  BT_TRY(again, move_in(*second, group, 2, 3));
  if (!(difference_of(two.expected, again.expected) <= tolerance))
    return failed("after all programs were released, a new one gives another output");
  return passed("4 programs of 2 models at once, released in mixed order");
}

std::int64_t entries_of(const char* folder) {
  std::error_code failed;
  std::int64_t entries = 0;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed))
    ++entries;
  return entries;
}

// What a process has that can leak.
struct Holdings {
  Bytes resident = 0;
  std::int64_t files = 0, threads = 0;
};

Holdings holdings() {
  return {runtime::settled_resident_bytes(), entries_of("/proc/self/fd"),
          entries_of("/proc/self/task")};
}

// A leak goes on, what is kept once for later does not: both windows of cycles must have grown.
constexpr int kWarmCycles = 4, kWindow = 10;
constexpr std::int64_t kCycleBatch = 64;
constexpr Bytes kResidentNoise = Bytes{192}
                                 << 10;  // of a window: an allocator's own, pages of code

Step<Finding> repeats(const Subject& subject) {
  BT_TRY(model, load(subject));
  std::optional<MemoryUse> use;
  const auto cycles = [&](int number) -> Step<void> {
    for (int i = 0; i < number; ++i) {
      BT_TRY(program, prepare(*model, subject.options.group, kCycleBatch));
      BT_TRY_VOID(run(*program));
      const MemoryUse now = program->memory();
      if (use && now.kind != MemoryKind::rss && now != *use)
        return failed("its account was " + bytes(use->total()) + " at first and " +
                      bytes(now.total()) + " now");
      use = now;
    }
    return {};
  };
  BT_TRY_VOID(cycles(kWarmCycles));
  const Holdings start = holdings();
  BT_TRY_VOID(cycles(kWindow));
  const Holdings middle = holdings();
  BT_TRY_VOID(cycles(kWindow));
  const Holdings end = holdings();
  const auto grew = [](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t noise) {
    return b - a > noise && c - b > noise;
  };
  const std::string times =
      std::to_string(2 * kWindow) + " times batch " + std::to_string(kCycleBatch);
  if (grew(start.resident, middle.resident, end.resident, kResidentNoise))
    return failed("resident memory grew by " + bytes(middle.resident - start.resident) + " and " +
                  bytes(end.resident - middle.resident) + ", " + times);
  if (grew(start.files, middle.files, end.files, 0))
    return failed("open files: " + std::to_string(start.files) + ", then " +
                  std::to_string(end.files) + ", " + times);
  if (grew(start.threads, middle.threads, end.threads, 0))
    return failed("threads: " + std::to_string(start.threads) + ", then " +
                  std::to_string(end.threads) + ", " + times);
  return passed(times + ", resident memory " + (end.resident >= start.resident ? "+" : "-") +
                bytes(std::abs(end.resident - start.resident)));
}

// One program of a model that is loaded for it: what a process holds depends on what was there
// before.
Step<MemoryUse> memory_of(const Subject& subject, std::int64_t batch) {
  BT_TRY(model, load(subject));
  BT_TRY(program, prepare(*model, subject.options.group, batch));
  const MemoryUse use = program->memory();
  BT_TRY_VOID(run(*program));
  for (const Bytes part : {use.weights, use.activations, use.workspace})
    if (part < 0) return failed("a part of it is " + std::to_string(part) + " bytes");
  if (use.kind != MemoryKind::rss && program->memory() != use)
    return failed("it was " + bytes(use.total()) + " before a run and is " +
                  bytes(program->memory().total()) + " after it");
  return use;
}

// Inputs and outputs of the smaller of two batches, where memory is a process's: far above what
// that wanders by.
constexpr Bytes kVisible = Bytes{2} << 20;

Step<Finding> grows_with_batch(const Subject& subject) {
  constexpr std::int64_t kLeast = 4;
  const CandidateGroup& group = subject.options.group;
  const Bytes sample = values_of_a_sample(subject.model, group.dtype);
  BT_TRY(first, memory_of(subject, kLeast));
  const bool seen_from_outside = first.kind == MemoryKind::rss;
  if (seen_from_outside && first.total() == 0) return skipped("the backend knows nothing of it");
  const std::int64_t small =
      seen_from_outside && sample > 0 ? std::max(kLeast, kVisible / sample) : kLeast;
  const std::int64_t large = 8 * small;
  BT_TRY(less, memory_of(subject, small));
  BT_TRY(more, memory_of(subject, large));
  const std::string both = bytes(less.total()) + " at batch " + std::to_string(small) + ", " +
                           bytes(more.total()) + " at batch " + std::to_string(large) + " (" +
                           std::string(name_of(more.kind)) + ")";
  const Bytes values = large * group.instances * sample;
  // A process may have had a part of it already: its growth is no bound on weights.
  const Bytes weights = seen_from_outside ? 0 : weight_bytes(subject.model, group.dtype);
  const bool holds_all = more.total() >= values + weights;
  if (more.total() > less.total() && holds_all) return passed(both);
  const std::string words =
      both + (holds_all ? "" : "; weights, inputs and output alone are " + bytes(values + weights));
  // Of a process, what is seen is the truth: a program of others may make nothing of its batch.
  return seen_from_outside ? Step<Finding>(advisory(words)) : failed(words);
}

// Of inputs and output: more than any process can address, and little enough for nobody's sizes to
// overflow.
constexpr Bytes kAbsurd = Bytes{1} << 50;
constexpr Bytes kUnknownSample = 1024;  // at the least: of a model whose operations cannot be read

Step<std::string> refused(LoadedModel& model, const CandidateGroup& group, std::int64_t batch) {
  auto program = model.prepare({group, batch});
  std::optional<Ending> ending;
  if (!program) {
    ending = program.error();
  } else if (auto times = (*program)->run(1); !times) {
    ending = times.error();
  }
  const std::string what = "batch " + std::to_string(batch);
  if (!ending) return failed(what + " was run");
  if (ending->status != TrialStatus::out_of_memory && ending->status != TrialStatus::unsupported)
    return failed(what + ": " + words_of(*ending));
  return what + ": " + words_of(*ending);
}

// With the backend's own account as the limit, where it keeps one.
Step<std::string> keeps_limit(const Subject& subject, Bytes limit, std::int64_t fits) {
  LoadOptions options = subject.options;
  options.account_limit = limit;
  BT_TRY(model, load(subject, options));
  BT_TRY_VOID(prepare(*model, options.group, fits));
  const auto larger = model->prepare({options.group, 16 * fits});
  const std::string what = "batch " + std::to_string(16 * fits) + " under a limit of " +
                           bytes(limit) + ", which batch " + std::to_string(fits) + " needs";
  if (larger) return failed(what + ", was prepared");
  if (larger.error().status != TrialStatus::out_of_memory)
    return failed(what + ": " + words_of(larger.error()));
  BT_TRY(again, prepare(*model, options.group, fits));
  BT_TRY_VOID(run(*again));
  return std::string("a limit is kept exactly; ");
}

Step<Finding> runs_out_of_memory(const Subject& subject) {
  constexpr std::int64_t kFits = 4;
  const CandidateGroup& group = subject.options.group;
  BT_TRY(model, load(subject));
  BT_TRY(program, prepare(*model, group, kFits));
  BT_TRY_VOID(run(*program));
  const auto before = program->read_output(kFits);
  const MemoryUse use = program->memory();
  std::string seen;
  if (use.kind == MemoryKind::account) {
    BT_TRY(kept, keeps_limit(subject, use.total(), kFits));
    seen = kept;
  }
  const Bytes sample = std::max(kUnknownSample, values_of_a_sample(subject.model, group.dtype));
  BT_TRY(words, refused(*model, group, kAbsurd / sample));
  BT_TRY_VOID(run(*program));
  BT_TRY(fresh, prepare(*model, group, kFits));
  BT_TRY_VOID(run(*fresh));
  for (Program* one : {program.get(), fresh.get()}) {
    const auto after = one->read_output(kFits);
    if (before && !(after && difference_of(*before, *after) <= model->output_tolerance()))
      return failed("afterwards the output is another one");
  }
  return passed(seen + words + "; usable afterwards");
}

}  // namespace

Finding check_lifetime(const Subject& subject) {
  return finding_of(lives_beside(subject));
}
Finding check_repetition(const Subject& subject) {
  return finding_of(repeats(subject));
}
Finding check_memory(const Subject& subject) {
  return finding_of(grows_with_batch(subject));
}
Finding check_out_of_memory(const Subject& subject) {
  return finding_of(runs_out_of_memory(subject));
}

}  // namespace batchtune::conformance

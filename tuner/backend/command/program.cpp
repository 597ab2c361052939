#include "tuner/backend/command/program.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "tuner/backend/command/child.h"
#include "tuner/backend/command/endings.h"
#include "tuner/backend/command/latencies.h"
#include "tuner/core/stopwatch.h"

namespace batchtune::command {
namespace {

// Clocks of other kinds, and figures that were rounded to milliseconds.
constexpr double kClockSlack = 0.02;
constexpr Seconds kRoundingSlack = 0.002;

Seconds sum_of(const std::vector<Seconds>& seconds) {
  return std::accumulate(seconds.begin(), seconds.end(), Seconds{0});
}

class StartedEachTime final : public CommandProgram {
 public:
  StartedEachTime(const CommandContext& context, Candidate candidate)
      : context_(context), candidate_(std::move(candidate)) {}

  Outcome<void> prepare() { return make_first_run(0); }

  // Its processes come one after the other, so theirs is counted once, as what is shared.
  MemoryUse memory() const override { return {peak_, 0, 0, MemoryKind::rss}; }

 private:
  Outcome<MadeRuns> make_runs(int runs) override;
  Outcome<std::vector<Seconds>> latencies_of(const Child& child, int runs, Seconds passed) const;

  const CommandContext& context_;
  Candidate candidate_;
  Bytes peak_ = 0;
};

Outcome<MadeRuns> StartedEachTime::make_runs(int runs) {
  const CommandSettings& settings = context_.settings;
  if (settings.timing == Timing::process) runs = settings.runs;
  const Values values = context_.values(candidate_, runs);
  const Stopwatch stopwatch;
  auto child = Child::start(substitute(settings.command, values), context_.environment(values),
                            Input::none, context_.rules);
  if (!child)
    return tl::unexpected(
        Ending{TrialStatus::failed, "the command did not start", to_string(child.error()), ""});
  (*child)->wait();
  MadeRuns made;
  made.passed = stopwatch.seconds();
  peak_ = std::max(peak_, (*child)->peak_resident());
  BT_TRY(latencies, latencies_of(**child, runs, made.passed));
  made.latencies = std::move(latencies);
  return made;
}

Outcome<std::vector<Seconds>> StartedEachTime::latencies_of(const Child& child, int runs,
                                                            Seconds passed) const {
  if (!ended_well(child)) return tl::unexpected(ending_of(child, context_.rules, ""));
  if (context_.settings.timing == Timing::process) return std::vector<Seconds>{passed / runs};
  if (child.output_cut())
    return tl::unexpected(Ending{TrialStatus::failed, "the command prints too much",
                                 "more than " + format_bytes(kMostOutput) + " on stdout", ""});
  auto latencies = parse_latencies(child.output());
  if (!latencies)
    return tl::unexpected(ending_of(child, context_.rules,
                                    "its output is wrong: " + made_printable(latencies.error())));
  if (latencies->empty())
    return tl::unexpected(
        ending_of(child, context_.rules,
                  "no latency in what the command prints (--time process takes its own time)"));
  return std::move(*latencies);
}

}  // namespace

Values CommandContext::values(const Candidate& candidate, int n) const {
  Values values = values_of(candidate, n, seed);
  if (!input.empty()) values.emplace_back(kInputValue, shell_quoted(input));
  return values;
}

std::vector<std::string> CommandContext::environment(const Values& given) const {
  Values values = given;
  for (auto& [name, value] : values)
    if (name == kInputValue) value = input;  // here nothing is quoted
  std::vector<std::string> entries = environment_of(values);
  entries.push_back("BATCHTUNE_MODEL=" + model);
  if (!model_path.empty()) entries.push_back("BATCHTUNE_MODEL_FILE=" + model_path);
  entries.insert(entries.end(), settings.environment.begin(), settings.environment.end());
  return entries;
}

Ending check_time(const MadeRuns& made) {
  const Seconds sum = sum_of(made.latencies);
  if (sum <= made.passed * (1 + kClockSlack) + kRoundingSlack) return {};
  return {
      TrialStatus::failed,
      "the command reports more time than passed: a number without a unit is seconds (\"12.3 ms\")",
      format_seconds(sum) + " in " + std::to_string(made.latencies.size()) + " runs, while " +
          format_seconds(made.passed) + " passed",
      ""};
}

void CommandProgram::announce(int runs) {
  announced_ = runs;
  made_.clear();  // of another moment
}

Seconds CommandProgram::take_extra() {
  return std::exchange(extra_, 0);
}

Outcome<std::vector<float>> CommandProgram::read_output(std::int64_t) {
  return tl::unexpected(
      Ending{TrialStatus::unsupported, "the outputs of a command cannot be read", "", ""});
}

// Of more runs than were wanted the last ones count: the first ones may be its warm-up.
Outcome<void> CommandProgram::fill(int runs) {
  BT_TRY(made, make_runs(runs));
  if (Ending ending = check_time(made); ending.status != TrialStatus::ok)
    return tl::unexpected(std::move(ending));
  std::vector<Seconds>& latencies = made.latencies;
  const auto wanted = std::min(latencies.size(), static_cast<std::size_t>(runs));
  latencies.erase(latencies.begin(), latencies.end() - static_cast<std::ptrdiff_t>(wanted));
  extra_ += std::max(0.0, made.passed - sum_of(latencies));
  made_.insert(made_.end(), latencies.begin(), latencies.end());
  return {};
}

Outcome<void> CommandProgram::make_first_run(Seconds before) {
  BT_TRY_VOID(fill(1));
  prepare_seconds_ = before + take_extra();
  return {};
}

Outcome<RunTimes> CommandProgram::run(int n) {
  RunTimes times;
  while (std::ssize(times.seconds) < n) {
    const int left = n - static_cast<int>(times.seconds.size());
    if (made_.empty()) BT_TRY_VOID(fill(std::max(left, announced_)));
    times.seconds.push_back(made_.front());
    times.instance.push_back(0);
    made_.pop_front();
    announced_ = std::max(0, announced_ - 1);
  }
  return times;
}

Outcome<std::unique_ptr<Program>> start_each_time(const CommandContext& context,
                                                  const Candidate& candidate) {
  auto program = std::make_unique<StartedEachTime>(context, candidate);
  BT_TRY_VOID(program->prepare());
  return std::unique_ptr<Program>(std::move(program));
}

}  // namespace batchtune::command

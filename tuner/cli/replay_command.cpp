// batchtune replay FILE...: search strategies on recorded tables, with the recorded noise and
// without a device. It judges strategies, not devices: all seconds are the recording's.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "reports/replay_report.h"
#include "storage/exchange/table_file.h"
#include "tuner/cli/command.h"
#include "tuner/cli/compile_limits.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/host.h"
#include "tuner/cli/progress.h"
#include "tuner/cli/record.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/wish_request.h"
#include "tuner/search/replay.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr int kMostSeeds = 10000;
constexpr int kMostWorkers = 2;  // runs of a replay are many and short; leave a machine its rest

struct ReplayOptions {
  std::vector<std::string> files;
  std::string strategies;
  TuningOptions tuning;
  std::string seeds = "20";
  OutputOptions output;
  bool silent = false;
};

// A file: the groups of one problem.
struct Subject {
  std::string name;
  TableGroup tables;
};

struct Task {
  const Subject* subject = nullptr;
  std::string_view strategy;
  std::uint64_t seed = 0;
  std::optional<Result<ReplayRun>> run;
};

Result<std::vector<std::string_view>> parse_strategies(const std::string& text) {
  std::vector<std::string_view> all, chosen;
  std::string names = "all";
  for (const StrategyEntry& entry : strategies()) {
    all.push_back(entry.name);
    names += ", " + std::string(entry.name);
  }
  if (text.empty()) return std::vector{all.front()};
  if (text == "all") return all;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    begin = end + 1;
    const auto known = std::find(all.begin(), all.end(), name);
    if (known == all.end())
      return bad_input("strategies: " + names, "'" + name + "'", "--strategy");
    if (std::find(chosen.begin(), chosen.end(), name) != chosen.end())
      return bad_input("each strategy once", "'" + name + "' twice", "--strategy");
    chosen.push_back(*known);
  }
  return chosen;
}

Result<int> parse_seeds(const std::string& text) {
  int seeds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seeds);
  if (code != std::errc{} || end != text.data() + text.size() || seeds < 1 || seeds > kMostSeeds)
    return bad_input(fmt::format("a number of seeds from 1 to {}", kMostSeeds), "'" + text + "'",
                     "--seeds");
  return seeds;
}

// Named by the file's stem, or by its whole path where two share a stem.
Result<std::vector<Subject>> read_subjects(const std::vector<std::string>& files) {
  std::vector<Subject> subjects;
  std::map<std::string, int> named;
  for (const std::string& file : files) {
    BT_TRY(tables, read_tables(file));
    ++named[tables.front().name];
    subjects.push_back({tables.front().name, std::move(tables)});
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (std::count(files.begin(), files.end(), files[i]) > 1)
      return bad_input("each table once", "'" + files[i] + "' twice", "FILE");
    if (named[subjects[i].name] > 1) subjects[i].name = files[i];
  }
  return subjects;
}

Result<Problem> settings_of(const TuningRequest& request, const std::vector<Subject>& subjects) {
  Problem settings;
  settings.wishes = wishes_of(request, {});
  std::vector<std::string> backends;
  for (const Subject& subject : subjects)
    for (const RecordedTable& table : subject.tables) backends.push_back(table.group.backend);
  BT_TRY_VOID(check_wishes(request, settings.wishes, backends));
  settings.budget = budget_of(request);
  settings.boundary = boundary_of(request);
  settings.most_batches = request.max_batches.value_or(0);
  settings.compiles_elsewhere = std::any_of(
      subjects.begin(), subjects.end(),
      [](const Subject& subject) { return has_compiler(subject.tables); });
  settings.most_compiles =
      request.max_compiles.value_or(settings.compiles_elsewhere ? kDefaultCompiles : 0);
  return settings;
}

// Runs are independent of each other, so their order and the number of workers change nothing.
void run_all(std::vector<Task>& tasks, const Problem& settings, ProgressLine& line) {
  std::atomic<std::size_t> next = 0;
  std::mutex telling;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < tasks.size(); i = next++) {
      Task& task = tasks[i];
      task.run = replay(task.subject->tables, settings, task.strategy, task.seed);
      const std::scoped_lock lock(telling);
      line.show(fmt::format("{} of {} runs: {} on {}", ++done, tasks.size(), task.strategy,
                            task.subject->name));
    }
  };
  const int workers = std::clamp(cpu_share().usable, 1, kMostWorkers);
  std::vector<std::jthread> threads;
  for (int i = 1; i < workers; ++i) threads.emplace_back(work);
  work();
}

ReplaySpread spread(const Spread& of) {
  return {of.median, of.p95, of.worst};
}

ReplayFigures figures_of(const ReplaySummary& summary) {
  ReplayFigures figures{summary.table,
          summary.strategy,
          summary.seeds,
          spread(summary.visits),
          spread(summary.distinct_batches),
          spread(summary.device_seconds),
          spread(summary.regret),
          spread(summary.hypervolume),
          summary.device_time_share,
          summary.most_out_of_memory_hits,
          summary.converged,
          summary.converged_wrong,
          {},
          {}};
  if (summary.compiled.worst > 0) {
    figures.virtual_seconds = spread(summary.virtual_seconds);
    figures.compiled = spread(summary.compiled);
  }
  return figures;
}

ReplayedTable about(const Subject& subject) {
  ReplayedTable about;
  about.name = subject.name;
  about.model = subject.tables.front().model;
  about.device = subject.tables.front().device;
  about.simulated = is_simulated(subject.tables.front());
  about.exhaustive_seconds = exhaustive_seconds(subject.tables);
  for (const RecordedTable& table : subject.tables) about.groups.push_back(table.group);
  for (const TrueRow& row : truth_of(subject.tables)) {
    ++about.candidates;
    if (row.throughput <= about.best_throughput) continue;
    about.best = row.candidate;
    about.best_throughput = row.throughput;
  }
  return about;
}

// A strategy's runs on all tables as one; the share of a sweep is that of each run's own table.
ReplayFigures pooled(std::string_view strategy, const std::vector<ReplayRun>& runs,
                     const std::vector<double>& shares, double tolerance) {
  ReplayFigures figures = figures_of(summarise("", std::string(strategy), runs, 0, tolerance));
  if (!shares.empty()) figures.device_time_share = median(shares);
  return figures;
}

// REQUIRES: every task has run, by subject and then by strategy and seed.
Result<ReplayReport> make_report(const std::vector<Subject>& subjects,
                                 const std::vector<std::string_view>& strategies,
                                 const Problem& settings, int seeds,
                                 const std::vector<Task>& tasks) {
  ReplayReport report{
      settings.wishes, settings.budget.racing, settings.most_batches, settings.most_compiles,
      seeds,           {},                     {},                    {}};
  std::map<std::string_view, std::vector<ReplayRun>> all_runs;
  std::map<std::string_view, std::vector<double>> all_shares;
  std::size_t next = 0;
  for (const Subject& subject : subjects) {
    report.tables.push_back(about(subject));
    const Seconds sweep = report.tables.back().exhaustive_seconds;
    for (const std::string_view strategy : strategies) {
      std::vector<ReplayRun> runs;
      for (int i = 0; i < seeds; ++i) {
        BT_TRY(run, *tasks[next++].run);
        if (sweep > 0) all_shares[strategy].push_back(run.device_seconds / sweep);
        runs.push_back(std::move(run));
      }
      report.figures.push_back(figures_of(
          summarise(subject.name, std::string(strategy), runs, sweep, settings.wishes.tolerance)));
      auto& all = all_runs[strategy];
      all.insert(all.end(), runs.begin(), runs.end());
    }
  }
  if (subjects.size() > 1)
    for (const std::string_view strategy : strategies)
      report.summary.push_back(
          pooled(strategy, all_runs[strategy], all_shares[strategy], settings.wishes.tolerance));
  return report;
}

Result<int> run_replay(const ReplayOptions& options) {
  BT_TRY(format, parse_format(options.output));
  if (options.files.empty())
    return bad_input("a recorded table", "none: FILE is required", "replay",
                     "batchtune tune --strategy exhaustive --record FILE writes one");
  BT_TRY(request, parse_tuning(options.tuning));
  BT_TRY(chosen, parse_strategies(options.strategies));
  BT_TRY(seeds, parse_seeds(options.seeds));
  BT_TRY(subjects, read_subjects(options.files));
  BT_TRY(settings, settings_of(request, subjects));
  std::vector<Task> tasks;
  for (const Subject& subject : subjects)
    for (const std::string_view strategy : chosen)
      for (int seed = 1; seed <= seeds; ++seed)
        tasks.push_back({&subject, strategy, static_cast<std::uint64_t>(seed), {}});
  {
    ProgressLine line(!options.silent);
    run_all(tasks, settings, line);
  }
  BT_TRY(report, make_report(subjects, chosen, settings, seeds, tasks));
  BT_TRY_VOID(print_result(format == Format::json  ? json_replay(report)
                           : format == Format::csv ? csv_replay(report)
                                                   : text_replay(report, text_options())));
  return kDone;
}

}  // namespace

void add_replay_command(Arguments& arguments) {
  auto options = std::make_shared<ReplayOptions>();
  arguments.several("FILE", options->files,
                    "recorded tables (batchtune tune --strategy exhaustive --record FILE)");
  arguments.value("--strategy", options->strategies,
                  "X or X,Y or all (batchtune list strategies; default: that of tune)");
  arguments.value("--seeds", options->seeds, "runs of each strategy on each table (default 20)");
  arguments.value("--budget", options->tuning.budget,
                  "seconds of the recorded device (default 60s)");
  arguments.value("--max-batches", options->tuning.max_batches,
                  "batches that are prepared at most (default: no such limit)");
  add_max_compiles_option(arguments, options->tuning);
  add_wish_options(arguments, options->tuning);
  add_format_option(arguments, options->output);
  arguments.flag("-q,--quiet", options->silent, "no progress");
  arguments.run([options] { return run_replay(*options); });
}

}  // namespace batchtune

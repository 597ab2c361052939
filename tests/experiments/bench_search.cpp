// Which strategy finds the best batch, and for how much device time? Replays strategies on made-up
// curves with a known truth (tests/support/curves.h) and on recorded tables, and prints Markdown.
//   bench_search [options] [table files...]      files alone: no made-up curves
//     --strategy A,B   default: all             --curve A,B     default: all usual kinds; strange
//                                                               ones by their names
//     --seeds N        of each table: 20        --variants N    tables of each kind: 1
//     --first N        seed of the first variant: 1
//     --budget S       racing seconds; default: an exhaustive sweep's, at least 60
//     --equal-time     budget of the others: what adaptive took on that table with the same seed
//     --confidence P   stated probability of correct selection: 0.95
//     --objective X    default: throughput      --threads N     2
//     --runs           a line for each run
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/exchange/table_file.h"
#include "tests/support/curves.h"
#include "tuner/search/replay.h"
#include "tuner/statistics/location.h"

using namespace batchtune;

namespace {

constexpr const char* kModel = "adaptive";  // comes first; gives the others equal time

struct Options {
  std::vector<std::string> strategies, curves, files;
  int seeds = 20, variants = 1, first = 1, threads = 2;
  std::optional<Seconds> budget;
  bool equal_time = false, runs = false;
  double confidence = 0.95;
  Objective objective = Objective::throughput;
};

struct Case {
  std::string kind;
  TableGroup tables;
  Seconds sweep = 0;
};

struct Job {
  const Case* of = nullptr;
  std::string strategy;
  std::uint64_t seed = 0;
  Seconds budget = 0;
  ReplayRun run;
  double took = 0;  // seconds of this machine's CPU
};

[[noreturn]] void fail(const std::string& words) {
  std::fprintf(stderr, "bench_search: %s\n", words.c_str());
  std::exit(2);
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end; (end = list.find(',', begin)) != std::string::npos; begin = end + 1)
    parts.push_back(list.substr(begin, end - begin));
  parts.push_back(list.substr(begin));
  return parts;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0) {
      options.files.push_back(name);
      continue;
    }
    if (name == "--equal-time" || name == "--runs") {
      (name == "--runs" ? options.runs : options.equal_time) = true;
      continue;
    }
    if (++i == argc) fail(name + " wants a value");
    const std::string value = argv[i];
    if (name == "--strategy")
      options.strategies = split(value);
    else if (name == "--curve")
      options.curves = split(value);
    else if (name == "--seeds")
      options.seeds = std::stoi(value);
    else if (name == "--variants")
      options.variants = std::stoi(value);
    else if (name == "--first")
      options.first = std::stoi(value);
    else if (name == "--threads")
      options.threads = std::stoi(value);
    else if (name == "--budget")
      options.budget = std::stod(value);
    else if (name == "--confidence")
      options.confidence = std::stod(value);
    else if (name == "--objective")
      options.objective = parse_objective(value).value();
    else
      fail("there is no " + name);
  }
  if (options.strategies.empty())
    for (const StrategyEntry& entry : strategies()) options.strategies.emplace_back(entry.name);
  std::stable_partition(options.strategies.begin(), options.strategies.end(),
                        [](const std::string& name) { return name == kModel; });
  return options;
}

bool wanted(const std::vector<std::string>& list, std::string_view name) {
  return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
}

std::vector<Case> cases_of(const Options& options) {
  std::vector<Case> cases;
  for (const std::string& file : options.files) {
    auto tables = read_tables(file);
    if (!tables) fail(to_string(tables.error()));
    cases.push_back({tables->front().name, std::move(*tables), 0});
  }
  const auto add = [&](const CurveKind& kind) {
    for (int variant = 0; variant < options.variants; ++variant)
      cases.push_back({std::string(kind.name),
                       tables_of(kind, static_cast<std::uint64_t>(options.first + variant)), 0});
  };
  if (options.files.empty() || !options.curves.empty())
    for (const CurveKind& kind : curve_kinds())
      if (wanted(options.curves, kind.name)) add(kind);
  for (const CurveKind& kind : strange_kinds())
    if (!options.curves.empty() && wanted(options.curves, kind.name)) add(kind);
  if (cases.empty()) fail("no such curve");
  for (Case& each : cases) each.sweep = exhaustive_seconds(each.tables);
  return cases;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void run_job(Job& job, const Options& options) {
  Problem settings;
  settings.wishes.objective = options.objective;
  settings.boundary = BoundaryWish::none;
  settings.confidence = options.confidence;
  settings.budget.racing = job.budget;
  const double begin = cpu_seconds();
  auto run = replay(job.of->tables, settings, job.strategy, job.seed);
  job.took = cpu_seconds() - begin;
  if (!run) fail(job.of->kind + ", " + job.strategy + ": " + to_string(run.error()));
  job.run = std::move(*run);
}

void run_all(std::vector<Job>& jobs, const Options& options) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i; (i = next++) < jobs.size();) run_job(jobs[i], options);
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < options.threads; ++i) threads.emplace_back(work);
}

// By strategy, then by case and seed.
std::vector<Job> jobs_of(const std::vector<Case>& cases, const std::string& strategy,
                         const std::vector<Job>& model, const Options& options) {
  constexpr Seconds kUsualBudget = 60;
  std::vector<Job> jobs;
  for (const Case& each : cases)
    for (int seed = 1; seed <= options.seeds; ++seed) {
      Seconds budget = options.budget.value_or(std::max(kUsualBudget, each.sweep));
      if (options.equal_time && !model.empty()) budget = model[jobs.size()].run.device_seconds;
      jobs.push_back({&each, strategy, static_cast<std::uint64_t>(seed), budget, {}, 0});
    }
  return jobs;
}

Spread spread_of(const std::vector<const Job*>& jobs, double (*figure)(const Job&)) {
  std::vector<double> values;
  for (const Job* job : jobs) values.push_back(figure(*job));
  return {median(values), quantile(values, 0.95), quantile(values, 1)};
}

void print_row(const std::string& name, const std::vector<const Job*>& jobs, double tolerance) {
  int memory = 0, converged = 0, wrong = 0;
  double took = 0;
  for (const Job* job : jobs) {
    memory = std::max(memory, job->run.out_of_memory_hits);
    const bool is_converged = job->run.end == SessionEnd::converged;
    converged += is_converged;
    wrong += is_converged && job->run.regret > tolerance;
    took += job->took;
  }
  const Spread regret = spread_of(jobs, [](const Job& job) { return 100 * job.run.regret; });
  const Spread batches =
      spread_of(jobs, [](const Job& job) { return double(job.run.distinct_batches); });
  const Spread visits = spread_of(jobs, [](const Job& job) { return double(job.run.visits); });
  const Spread seconds = spread_of(jobs, [](const Job& job) { return job.run.device_seconds; });
  const Spread share =
      spread_of(jobs, [](const Job& job) { return 100 * job.run.device_seconds / job.of->sweep; });
  const Spread front = spread_of(jobs, [](const Job& job) { return job.run.hypervolume; });
  std::printf(
      "| %-26s | %5.2f | %5.2f | %5.2f | %3.0f / %3.0f | %4.0f | %6.1f | %5.1f / %5.1f | "
      "%.3f | %d | %d of %zu | %d | %.0f |\n",
      name.c_str(), regret.median, regret.p95, regret.worst, batches.median, batches.p95,
      visits.median, seconds.median, share.median, share.p95, front.median, memory, converged,
      jobs.size(), wrong, 1000 * took / static_cast<double>(jobs.size()));
}

void print_head(const char* first) {
  std::printf(
      "\n| %s | regret %%: median | p95 | worst | batches: median / p95 | visits | "
      "device s | share of sweep %%: median / p95 | hypervolume | out of memory, most | "
      "converged | of these wrong | CPU ms a run |\n|---|",
      first);
  for (int i = 0; i < 12; ++i) std::printf("---|");
  std::printf("\n");
}

void print_run(const Job& job) {
  std::printf("%s %s seed %d: batch %s regret %.2f %% %s: %s; %d batches, %d visits, %.2f s\n",
              job.of->tables.front().name.c_str(), job.strategy.c_str(), static_cast<int>(job.seed),
              job.run.chosen ? std::to_string(job.run.chosen->batch).c_str() : "none",
              100 * job.run.regret, std::string(name_of(job.run.end)).c_str(),
              job.run.reason.c_str(), job.run.distinct_batches, job.run.visits,
              job.run.device_seconds);
}

void print_all(const std::vector<std::vector<Job>>& by_strategy, const Options& options) {
  const double tolerance = Wishes{}.tolerance;
  std::vector<std::string> kinds;
  if (options.runs)
    for (const auto& jobs : by_strategy)
      for (const Job& job : jobs) print_run(job);
  for (const Job& job : by_strategy.front())
    if (std::find(kinds.begin(), kinds.end(), job.of->kind) == kinds.end())
      kinds.push_back(job.of->kind);
  print_head("strategy, all curves");
  for (const auto& jobs : by_strategy) {
    std::vector<const Job*> all;
    for (const Job& job : jobs) all.push_back(&job);
    print_row(jobs.front().strategy, all, tolerance);
  }
  print_head("curve, strategy");
  for (const std::string& kind : kinds)
    for (const auto& jobs : by_strategy) {
      std::vector<const Job*> some;
      for (const Job& job : jobs)
        if (job.of->kind == kind) some.push_back(&job);
      print_row(kind + ", " + jobs.front().strategy, some, tolerance);
    }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.equal_time && options.strategies.front() != kModel)
    fail("--equal-time wants adaptive among the strategies");
  const std::vector<Case> cases = cases_of(options);
  std::vector<std::vector<Job>> by_strategy;
  for (const std::string& strategy : options.strategies) {
    const std::vector<Job> none;
    by_strategy.push_back(
        jobs_of(cases, strategy, by_strategy.empty() ? none : by_strategy.front(), options));
    run_all(by_strategy.back(), options);
    std::fprintf(stderr, "%s done\n", strategy.c_str());
  }
  print_all(by_strategy, options);
  return 0;
}

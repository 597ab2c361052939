// See replay.h: the problem of some tables, one run on them, and many in sum.
#include "tuner/search/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tuner/core/compiling.h"
#include "tuner/estimate/roofline.h"
#include "tuner/measure/round_plan.h"
#include "tuner/search/conclude.h"
#include "tuner/search/driver.h"
#include "tuner/search/recording.h"
#include "tuner/search/replay_truth.h"
#include "tuner/statistics/fit.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

PointEstimate roofline_at(const TableProblem& figures, std::int64_t batch, int instances) {
  const double samples = static_cast<double>(batch) * instances;
  const double bytes = *figures.weight_bytes * instances + samples * *figures.activation_bytes;
  const Seconds computing = samples * *figures.flops / *figures.peak;
  const Seconds moving = bytes / *figures.bandwidth;
  PointEstimate point;
  point.batch = batch;
  point.latency = std::max(computing, moving);
  point.throughput = samples / point.latency;
  point.memory = bytes;
  point.bound = computing > moving ? Bound::compute : Bound::memory;
  return point;
}

// Backends plan their memory well: on the line through the two smallest batches that say.
std::optional<Line> memory_plan(const RecordedTable& table) {
  std::vector<double> batches, bytes;
  for (const TableRow& row : table.rows)
    if (row.memory && row.status != TrialStatus::out_of_memory && batches.size() < 2) {
      batches.push_back(static_cast<double>(row.batch));
      bytes.push_back(*row.memory);
    }
  return fit_line(batches, bytes);
}

bool has_figures(const TableProblem& figures) {
  return figures.flops && figures.activation_bytes && figures.weight_bytes && figures.peak &&
         figures.bandwidth;
}

// Of the allowed batches that the table has. The seed is the knee of those that fit.
Estimate guess_of(const RecordedTable& table, const Problem& problem) {
  Estimate estimate;
  estimate.group = table.group;
  estimate.batch = problem.batches.front();
  if (!has_figures(table.problem)) return estimate;
  const auto plan = memory_plan(table);
  std::vector<PointEstimate> fitting;
  for (const TableRow& row : table.rows) {
    if (!std::binary_search(problem.batches.begin(), problem.batches.end(), row.batch)) continue;
    PointEstimate point = roofline_at(table.problem, row.batch, table.group.instances);
    if (plan) point.memory = plan->at(static_cast<double>(row.batch));
    estimate.curve.push_back(point);
    const auto& limit = problem.wishes.memory_limit;
    if (!limit || point.memory <= static_cast<double>(*limit)) fitting.push_back(point);
  }
  if (const std::int64_t seed = knee(fitting, problem.wishes.give_up); seed > 0)
    estimate.batch = seed;
  estimate.bound = roofline_at(table.problem, estimate.batch, table.group.instances).bound;
  return estimate;
}

std::optional<Bytes> memory_limit_of(const TableGroup& tables) {
  for (const RecordedTable& table : tables)
    if (table.memory_limit) return table.memory_limit;
  return std::nullopt;
}

Result<const StrategyEntry*> find_strategy(std::string_view name) {
  std::string names;
  for (const StrategyEntry& entry : strategies()) {
    if (entry.name == name) return &entry;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
  }
  return bad_input("a strategy: " + names, std::string(name), "replay");
}

void count(ReplayRun& run, const SessionRecord& record) {
  std::set<Candidate> prepared;
  for (const Observation& observation : record.observations) {
    run.device_seconds += observation.device_time - compile_wait(observation);
    run.compiler_wait += compile_wait(observation);
    run.virtual_seconds += observation.wall;
    Ending ending;
    if (const auto* preparation = std::get_if<Preparation>(&observation.what)) {
      if (prepared.insert(preparation->candidate).second)
        run.prepared.push_back(preparation->candidate);
      ending = preparation->ending;
    } else if (const auto* probe = std::get_if<Probe>(&observation.what)) {
      ending = probe->ending;
    } else {
      for (const Visit& visit : std::get<Round>(observation.what).visits)
        run.visits += visit.instance == 0;
    }
    run.out_of_memory_hits += ending.status == TrialStatus::out_of_memory;
  }
  run.distinct_batches = static_cast<int>(prepared.size());
}

// By the truth; only the conclusion's choice and front are the run's own.
void judge(ReplayRun& run, const TableGroup& tables, const Conclusion& conclusion,
           const Wishes& wishes) {
  std::vector<Candidate> front;
  for (const Trial& trial : conclusion.trials) {
    if (trial.on_front) front.push_back(trial.candidate);
    if (conclusion.best && conclusion.best->trial == trial.id) run.chosen = trial.candidate;
  }
  const auto truth = truth_of(tables);
  run.regret = true_regret(tables, truth, run.chosen, wishes);
  run.hypervolume = front_share(truth, front);
}

enum class Better { less, more };
Spread spread_of(std::vector<double> values, Better better) {
  if (better == Better::less) return {median(values), quantile(values, 0.95), quantile(values, 1)};
  return {median(values), quantile(values, 0.05), quantile(values, 0)};
}

}  // namespace

Result<Problem> problem_of(const TableGroup& tables, const Problem& settings) {
  if (tables.empty()) return bad_input("a recorded table", "none", "replay");
  Problem problem = settings;
  problem.groups.clear();
  problem.batches.clear();
  std::set<std::int64_t> batches;
  std::set<CandidateGroup> groups;
  for (const RecordedTable& table : tables) {
    if (table.rows.empty()) return bad_input("a table with rows", "none", table.name);
    if (!groups.insert(table.group).second)
      return bad_input("tables that differ in threads, instances or data type",
                       "two of " + to_string(table.group), table.name);
    for (const TableRow& row : table.rows) batches.insert(row.batch);
  }
  for (const std::int64_t batch : batches) {
    const auto& wanted = settings.batches;
    const bool asked =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), batch) != wanted.end();
    if (asked && batch <= settings.largest_batch) problem.batches.push_back(batch);
  }
  if (problem.batches.empty())
    return bad_input("batches that the tables have", "none of those", tables.front().name);
  problem.largest_batch = problem.batches.back();
  if (!has_compiler(tables)) {
    problem.most_compiles = 0;
    problem.compiles_elsewhere = false;
  }
  if (!problem.wishes.memory_limit) problem.wishes.memory_limit = memory_limit_of(tables);
  for (const RecordedTable& table : tables) problem.groups.push_back(guess_of(table, problem));
  return problem;
}

Result<ReplayRun> replay(const TableGroup& tables, const Problem& settings,
                         std::string_view strategy_name, std::uint64_t seed,
                         const ReplayCompilers& compilers) {
  BT_TRY(entry, find_strategy(strategy_name));
  BT_TRY(problem, problem_of(tables, settings));
  SessionRecord record;
  record.header.command = "tune";
  record.header.uuid = "replay";
  record.header.strategy = entry->name;
  record.header.seed = seed;
  record.header.wishes = problem.wishes;
  record.header.estimates = problem.groups;
  const auto strategy = entry->create(problem, seed);
  ReplayMeasurer measurer(tables, seed, compilers);
  BT_TRY(end, drive(*strategy, measurer, record, {}));
  ReplayRun run;
  run.seed = seed;
  run.end = end.end;
  run.reason = end.reason;
  count(run, record);
  run.compiled = measurer.compiled();
  judge(run, tables, conclude(record, problem.wishes), problem.wishes);
  return run;
}

ReplaySummary summarise(std::string table, std::string strategy, std::span<const ReplayRun> runs,
                        Seconds exhaustive, double tolerance) {
  ReplaySummary summary;
  summary.table = std::move(table);
  summary.strategy = std::move(strategy);
  summary.seeds = static_cast<int>(runs.size());
  const auto spread = [&](auto figure, Better better = Better::less) {
    std::vector<double> values;
    for (const ReplayRun& run : runs) values.push_back(static_cast<double>(figure(run)));
    return spread_of(std::move(values), better);
  };
  summary.visits = spread([](const ReplayRun& run) { return run.visits; });
  summary.distinct_batches = spread([](const ReplayRun& run) { return run.distinct_batches; });
  summary.device_seconds = spread([](const ReplayRun& run) { return run.device_seconds; });
  summary.virtual_seconds = spread([](const ReplayRun& run) { return run.virtual_seconds; });
  summary.compiled = spread([](const ReplayRun& run) { return run.compiled; });
  summary.regret = spread([](const ReplayRun& run) { return run.regret; });
  summary.hypervolume = spread([](const ReplayRun& run) { return run.hypervolume; }, Better::more);
  if (exhaustive > 0) summary.device_time_share = summary.device_seconds.median / exhaustive;
  for (const ReplayRun& run : runs) {
    summary.most_out_of_memory_hits =
        std::max(summary.most_out_of_memory_hits, run.out_of_memory_hits);
    const bool converged = run.end == SessionEnd::converged;
    summary.converged += converged;
    summary.converged_wrong += converged && run.regret > tolerance;
  }
  return summary;
}

Seconds exhaustive_seconds(const TableGroup& tables) {
  constexpr int kVisits = 10;
  Seconds seconds = 0;
  std::set<CandidateGroup> memory_ended;
  const Recording recording(tables);
  for (const RecordedRow& recorded : recording.rows()) {
    const bool failed = recorded.row->status == TrialStatus::out_of_memory;
    if (failed && !memory_ended.insert(recorded.candidate.group).second) continue;
    const int runs = 1 + kVisits * visit_length(recorded.run).runs();  // the first one checked
    const Seconds compile = recorded.row->compile.value_or(0);
    seconds += recorded.row->prepare.value_or(0) - compile + runs * recorded.run;
  }
  return seconds;
}

}  // namespace batchtune

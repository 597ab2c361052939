// What does a search save where each batch takes a compiler minutes? Replays on made-up tables of one
// core of a Trainium chip (tests/support/compiled_curves.h), or on recorded ones, on a virtual clock;
// prints Markdown. Nothing is timed: the figures are the same everywhere.
//   bench_compiles [options] [table files...]      files alone: no made-up tables
//     --variants N    tables of each model: 10      --first N      seed of the first: 1
//     --objective X   default: knee                 --budget S     racing seconds: 60
//     --limit N       compilations: 6               --runs         a line for each run
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "storage/exchange/table_file.h"
#include "tests/support/compiled_curves.h"
#include "tuner/search/replay.h"
#include "tuner/statistics/location.h"

using namespace batchtune;

namespace {

struct Options {
  int variants = 10, first = 1, limit = 6;
  Seconds budget = 60;
  Objective objective = Objective::knee;
  bool runs = false;
  std::vector<std::string> files;
};

// A way to search: a strategy, and what it is told of the compiler.
struct Way {
  const char* words;
  const char* strategy;
  bool counted;    // the limit holds
  bool ahead;      // some are compiled in the background
  int compilers;   // at the same time
  bool sweep;      // of the powers of two alone, all of them
  std::vector<std::int64_t> compiled;
};

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays{
      {"every power of two, each waited for", "exhaustive", false, false, 1, true, {}},
      {"`powers-of-two`, which stops on a plateau", "powers-of-two", false, false, 1, false, {}},
      {"`doubling` without a limit", "doubling", false, false, 1, false, {}},
      {"`doubling`, each waited for", "doubling", true, false, 1, false, {}},
      {"`doubling`, one compiler in the background", "doubling", true, true, 1, false, {}},
      {"`doubling`, two compilers", "doubling", true, true, 2, false, {}},
      {"`doubling`, three compilers", "doubling", true, true, 3, false, {}},
      {"the same, 1, 4, 16 and 64 compiled before", "doubling", true, true, 3, false,
       {1, 4, 16, 64}},
      {"`adaptive`, two compilers", "adaptive", true, true, 2, false, {}},
      {"`hill-climb` within the limit", "hill-climb", true, false, 1, false, {}},
      {"`bayes` within the limit", "bayes", true, false, 1, false, {}},
  };
  return kWays;
}

[[noreturn]] void fail(const std::string& words) {
  std::fprintf(stderr, "bench_compiles: %s\n", words.c_str());
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0) {
      options.files.push_back(name);
      continue;
    }
    if (name == "--runs") {
      options.runs = true;
      continue;
    }
    if (++i == argc) fail(name + " wants a value");
    const std::string value = argv[i];
    if (name == "--variants")
      options.variants = std::stoi(value);
    else if (name == "--first")
      options.first = std::stoi(value);
    else if (name == "--limit")
      options.limit = std::stoi(value);
    else if (name == "--budget")
      options.budget = std::stod(value);
    else if (name == "--objective")
      options.objective = parse_objective(value).value();
    else
      fail("there is no " + name);
  }
  return options;
}

std::vector<TableGroup> problems(const Options& options) {
  std::vector<TableGroup> result;
  for (const std::string& file : options.files) {
    auto tables = read_tables(file);
    if (!tables) fail(to_string(tables.error()));
    if (!has_compiler(*tables)) fail(file + " says nothing of a compiler");
    result.push_back(std::move(*tables));
  }
  if (!options.files.empty()) return result;
  for (const std::string_view model : compiled_models())
    for (int variant = 0; variant < options.variants; ++variant)
      result.push_back(compiled_table(model, static_cast<std::uint64_t>(options.first + variant)));
  return result;
}

ReplayRun run(const TableGroup& tables, const Way& way, const Options& options) {
  Problem settings;
  settings.wishes.objective = options.objective;
  settings.boundary = BoundaryWish::none;
  settings.budget.racing = options.budget;
  settings.most_compiles = way.counted ? options.limit : 0;
  settings.compiles_elsewhere = way.ahead;
  if (way.sweep)
    for (std::int64_t batch = 1; batch <= 1024; batch *= 2) settings.batches.push_back(batch);
  const auto result = replay(tables, settings, way.strategy, 1, {way.compilers, way.compiled});
  if (!result) fail(std::string(way.words) + ": " + to_string(result.error()));
  if (options.runs) {
    std::string batches;
    for (const Candidate& each : result->prepared) batches += " " + std::to_string(each.batch);
    std::printf("%s, %s: batch %s of%s, regret %.2f %%, %.1f min, %d compiled, %s: %s\n",
                tables.front().name.c_str(), way.words,
                result->chosen ? std::to_string(result->chosen->batch).c_str() : "none",
                batches.c_str(), 100 * result->regret, result->virtual_seconds / 60,
                result->compiled, std::string(name_of(result->end)).c_str(),
                result->reason.c_str());
  }
  return *result;
}

void print_row(const Way& way, const std::vector<ReplayRun>& runs) {
  const auto at = [&](auto figure, double share) {
    std::vector<double> values;
    for (const ReplayRun& run : runs) values.push_back(static_cast<double>(figure(run)));
    return quantile(values, share);
  };
  const auto minutes = [](const ReplayRun& run) { return run.virtual_seconds / 60; };
  const auto compiled = [](const ReplayRun& run) { return run.compiled; };
  const auto regret = [](const ReplayRun& run) { return 100 * run.regret; };
  int memory = 0;
  for (const ReplayRun& run : runs) memory = std::max(memory, run.out_of_memory_hits);
  std::printf("| %s | %.1f / %.1f | %.0f / %.0f | %.2f / %.2f / %.2f | %d |\n", way.words,
              at(minutes, 0.5), at(minutes, 0.95), at(compiled, 0.5), at(compiled, 1),
              at(regret, 0.5), at(regret, 0.95), at(regret, 1), memory);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const auto tables = problems(options);
  std::printf("%zu tables, objective %s, at most %d compilations\n\n", tables.size(),
              std::string(name_of(options.objective)).c_str(), options.limit);
  std::vector<std::vector<ReplayRun>> all;
  for (const Way& way : ways()) {
    auto& runs = all.emplace_back();
    for (const TableGroup& problem : tables) runs.push_back(run(problem, way, options));
  }
  std::printf(
      "| search | virtual minutes to the verdict: median / p95 | compiled: median / most | "
      "regret %%: median / p95 / worst | out of memory, most |\n|---|---|---|---|---|\n");
  for (std::size_t i = 0; i < all.size(); ++i) print_row(ways()[i], all[i]);
  return 0;
}

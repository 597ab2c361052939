// What replay shows: tables for people, and figures that stay figures whatever comes in.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/reports/fixture.h"
#include "tests/support/catch.h"

namespace batchtune::test {

ReplayReport full_replay() {
  ReplayReport report;
  report.wishes.objective = Objective::throughput;
  report.wishes.latency_limits = {{LatencyMetric::p99, 0.05}};
  report.wishes.prices = {{"cpu", 0.34}};
  report.budget = 60;
  report.most_batches = 12;
  report.seeds = 20;
  const CandidateGroup group{"cpu", DType::f32, 2, 1, {}};
  const CandidateGroup pair{"cpu", DType::f32, 1, 2, {}};
  report.tables = {
      {"mlp", "mlp", "AMD EPYC, 2 CPUs", {group}, 64, Candidate{group, 12}, 8123.4, 412},
      {"split", "mlp", "", {group, pair}, 128, Candidate{pair, 6}, 9001, 830}};
  const ReplayFigures adaptive{"mlp",
                               "adaptive",
                               20,
                               {41, 60, 66},
                               {9, 12, 12},
                               {20, 31, 36},
                               {0.002, 0.01, 0.026},
                               {0.97, 0.9, 0.85},
                               0.048,
                               1,
                               19,
                               1};
  ReplayFigures random = adaptive;
  random.strategy = "random";
  random.regret = {0.031, 0.12, 1};
  random.converged = random.converged_wrong = random.out_of_memory_hits = 0;
  report.figures = {adaptive, random};
  for (ReplayFigures figures : {adaptive, random}) {
    figures.table = "split";
    report.figures.push_back(figures);
    figures.table = "";
    figures.runs = 40;
    report.summary.push_back(figures);
  }
  return report;
}

}  // namespace batchtune::test

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("the replay report reads as approved", "[reports][golden]") {
  check_golden("replay.txt", text_replay(full_replay(), {}));
  check_golden("replay.json", json_replay(full_replay()));
}

TEST_CASE("a narrow terminal still gets the strategy, its regret and its device time",
          "[reports][replay]") {
  const std::string text = text_replay(full_replay(), {.width = 60});
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    CHECK(end - begin <= 60);
    begin = end + 1;
  }
  CHECK(text.find("random") != std::string::npos);
  CHECK(text.find("12.0 %") != std::string::npos);
  CHECK(text.find("20.0 s") != std::string::npos);
}

TEST_CASE("a replay's CSV has a row for each table and strategy", "[reports][replay]") {
  const std::string csv = csv_replay(full_replay());
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 5);
  CHECK(csv.find("mlp,adaptive,20,41,60,9,12,20,31,0.048,0.002,0.01,0.026,0.97,1,19,1,false\n") !=
        std::string::npos);
}

TEST_CASE("a replay report never says NaN or infinity", "[reports][replay]") {
  ReplayReport report = full_replay();
  for (const double figure :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    report.figures[0].regret = {figure, figure, figure};
    report.figures[0].device_seconds = report.figures[0].visits = report.figures[0].regret;
    report.figures[0].device_time_share = figure;
    report.tables[0].exhaustive_seconds = report.tables[0].best_throughput = figure;
    CHECK(nlohmann::json::accept(json_replay(report)));
    for (const std::string& text :
         {text_replay(report, {}), csv_replay(report), json_replay(report)}) {
      CHECK(text.find("nan") == std::string::npos);
      CHECK(text.find("inf") == std::string::npos);
    }
  }
}

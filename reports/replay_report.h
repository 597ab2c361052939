// What `replay` shows: how well search strategies chose on recorded tables, and at what cost. All
// seconds are of the recorded device, none of this machine. JSON: replay.schema.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/candidate.h"
#include "tuner/core/limits.h"
#include "tuner/core/units.h"

namespace batchtune {

// Over runs with different seeds; p95: what 95 % of them are not worse than.
struct ReplaySpread {
  double median = 0, p95 = 0, worst = 0;
};

// One strategy on one table, or on all of them.
struct ReplayFigures {
  std::string table;  // "" where it is on all
  std::string strategy;
  int runs = 0;
  ReplaySpread visits, distinct_batches;
  ReplaySpread device_seconds;   // preparations and probes included
  ReplaySpread regret;           // share of the objective that the choice loses to the true best
  ReplaySpread hypervolume;      // of the front found over the true one's
  double device_time_share = 0;  // median, over an exhaustive sweep with ten visits a batch
  int out_of_memory_hits = 0;    // of the run with most
  int converged = 0;             // runs that ended sure of their choice
  int converged_wrong = 0;       // of these, with a regret above the tolerance
  // Where tables have a compiler: to the verdict, its waiting included; programs that were compiled.
  std::optional<ReplaySpread> virtual_seconds = {}, compiled = {};
};

struct ReplayedTable {
  std::string name;  // as in the figures
  std::string model, device;
  std::vector<CandidateGroup> groups;
  int candidates = 0;              // that can be run
  std::optional<Candidate> best;   // highest throughput by the truth; absent: nothing ran
  double best_throughput = 0;      // samples/s
  Seconds exhaustive_seconds = 0;  // of a sweep with ten visits a batch
  bool simulated = false;          // recorded on a simulated device
};

struct ReplayReport {
  Wishes wishes;
  Seconds budget = 0;
  int most_batches = 0;  // 0: no such limit
  int most_compiles = 0;  // likewise
  int seeds = 0;
  std::vector<ReplayedTable> tables;
  std::vector<ReplayFigures> figures;  // by table, then by strategy
  std::vector<ReplayFigures> summary;  // by strategy, over all tables; empty with one table
};

std::string text_replay(const ReplayReport& report, const TextOptions& options);
std::string json_replay(const ReplayReport& report);
std::string csv_replay(const ReplayReport& report);  // one row per table and strategy

}  // namespace batchtune

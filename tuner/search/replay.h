// Searching without a device: any strategy on recorded tables, with the recorded noise. Candidates
// of one round share the disturbance of a recorded round, as they would have on the device.
//
// Replay draws a recorded round r for every asked round. A batch that was visited in r gives its
// samples of r; another gives a random own sample x anchor(r) / anchor(that sample's round), or the
// sample itself where there is no anchor. A batch between rows does not exist: a problem's allowed
// batches are the table's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/core/table.h"
#include "tuner/measure/measurer.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// The groups of one problem: tables of one model and device that differ in threads and instances.
using TableGroup = std::vector<RecordedTable>;

// Answers from the tables. Seconds are virtual: preparation (the row's), warm and timed runs.
class ReplayMeasurer final : public Measurer {
 public:
  ReplayMeasurer(const TableGroup& tables, std::uint64_t seed);

  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override;
  Result<Observation> run_round(const RoundRequest& request) override;
  Result<Observation> probe(const ProbeRequest& request) override;
  void release(TrialId trial) override;
  // (private members are replay.cpp's matter: a pimpl or plain members)
};

// Problem with the tables' groups, batches and roofline guess; the rest as in `settings`.
Result<Problem> problem_of(const TableGroup& tables, const Problem& settings);

// Throughput of every row by the truth: given, or the paired-ratio level over all rounds, with its
// interval.
struct TrueRow {
  Candidate candidate;
  Seconds latency = 0;
  double throughput = 0;     // samples/s, all instances
  double low = 0, high = 0;  // of throughput, 95 %
};
std::vector<TrueRow> truth_of(const TableGroup& tables);

struct ReplayRun {
  std::uint64_t seed = 0;
  SessionEnd end = SessionEnd::converged;
  std::string reason;
  std::optional<Candidate> chosen;
  int visits = 0, distinct_batches = 0;
  Seconds device_seconds = 0;  // racing and probing, preparation included
  // Objective lost by the choice against the true best under the same wishes, relative; 0 inside
  // the interval of the table's own truth; 1 where nothing was chosen although something could be.
  double regret = 0;
  double hypervolume = 0;  // of the front found over that of the true front
  int out_of_memory_hits = 0;
};
Result<ReplayRun> replay(const TableGroup& tables, const Problem& settings,
                         std::string_view strategy, std::uint64_t seed);

struct Spread {
  double median = 0, p95 = 0, worst = 0;
};
struct ReplaySummary {
  std::string table, strategy;
  int seeds = 0;
  Spread visits, distinct_batches, device_seconds, regret, hypervolume;
  // Median device seconds over those of an exhaustive sweep with ten visits a batch.
  double device_time_share = 0;
  int most_out_of_memory_hits = 0;
  int converged = 0;        // runs that ended with the stated confidence
  int converged_wrong = 0;  // of these, with a regret above the tolerance
};
ReplaySummary summarise(std::string table, std::string strategy, std::span<const ReplayRun> runs,
                        Seconds exhaustive_seconds, double tolerance);

// Device seconds of ten visits to every batch, by the tables.
Seconds exhaustive_seconds(const TableGroup& tables);

}  // namespace batchtune

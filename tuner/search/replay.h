// Searching without a device: any strategy on recorded tables, with the recorded noise. Candidates
// of one round share the disturbance of a recorded round, as they would have on the device.
//
// Replay draws a recorded round r for every asked round. A batch that was visited in r gives its
// samples of r; another gives one of its own visits, of some round q, x anchor(r) / anchor(q), or
// as it is where there is no anchor. A table without an anchor leans on another table's (its rounds
// have the same numbers). A batch between rows does not exist: a problem's allowed batches are the
// tables'.
#pragma once

#include <cstdint>
#include <memory>
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

// Of tables whose rows say what compiling took (TableRow::compile).
struct ReplayCompilers {
  int count = 2;                            // programs that are compiled at the same time
  std::vector<std::int64_t> compiled = {};  // batches that were compiled before, of all groups
};

// Whether preparing waits for a compiler.
bool has_compiler(const TableGroup& tables);

// Answers from the tables, which must outlive it. Which contenders a round has room for, and how
// often each runs, is decided as on a device; a visit has at most the samples that were recorded.
// Seconds are virtual: preparation (the row's) with its first run, warm and timed runs, probes.
// Rows that did not end ok end so again; above one that ran out of memory so does everything.
// What is compiled ahead is so while virtual time goes on (Observation::wall: what was waited for a
// compiler as well).
class ReplayMeasurer final : public Measurer {
 public:
  ReplayMeasurer(const TableGroup& tables, std::uint64_t seed,
                 const ReplayCompilers& compilers = {});
  ~ReplayMeasurer() override;

  // An Error: the table of the candidate's group is not there, or none has such a batch.
  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override;
  Result<Observation> run_round(const RoundRequest& request) override;
  // Any batch: memory lies on the line through the rows beside it, and ends where the rows do so.
  Result<Observation> probe(const ProbeRequest& request) override;
  void release(TrialId trial) override;
  void compile_ahead(const Candidate& candidate) override;
  int compiled() const;  // programs that were compiled so far, ahead or not

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Problem with the tables' groups, batches (of settings.batches those that any table has) and
// roofline guess: max(FLOP / peak, bytes / bandwidth) of the whole batch, its memory on the line
// through the two smallest rows, as a good plan would have it. Without the figures there is no
// curve, and the seed is the smallest batch. A table's memory limit counts where the settings have
// none; compilations count only where the tables have a compiler. The rest is as in `settings`. Error: no tables, an empty one, two of one group, no batch.
Result<Problem> problem_of(const TableGroup& tables, const Problem& settings);

// Throughput of every row that can be run by the truth: given (the interval is that point), or the
// paired-ratio level over all rounds, with the interval of the ratio to the anchor.
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
  std::vector<Candidate> prepared;  // in this order, each once
  int visits = 0, distinct_batches = 0;  // distinct: candidates whose preparation was asked for
  Seconds device_seconds = 0;            // racing and probing, preparation without its compiler
  int compiled = 0;                      // programs that were compiled for it
  Seconds compiler_wait = 0;             // for a compiler, while nothing else was done
  Seconds virtual_seconds = 0;           // to the verdict: both
  // Objective lost by the choice against the true best under the same wishes, relative; 0 where
  // the intervals of the tables' own truth do not show a loss; 1 where nothing was chosen although
  // something could be. At least what the choice is above a limit, relative to that.
  double regret = 0;
  // Of the front found over that of the true front, both by the truth: the area below throughput
  // over log latency, up to the largest latency of all.
  double hypervolume = 0;
  int out_of_memory_hits = 0;  // preparations and probes
};
Result<ReplayRun> replay(const TableGroup& tables, const Problem& settings,
                         std::string_view strategy, std::uint64_t seed,
                         const ReplayCompilers& compilers = {});

// p95: what 95 % of the runs are not worse than.
struct Spread {
  double median = 0, p95 = 0, worst = 0;
};
struct ReplaySummary {
  std::string table, strategy;
  int seeds = 0;
  Spread visits, distinct_batches, device_seconds, regret, hypervolume;
  Spread virtual_seconds, compiled;  // with a compiler; else device_seconds, and 0
  // Median device seconds over those of an exhaustive sweep with ten visits a batch.
  double device_time_share = 0;
  int most_out_of_memory_hits = 0;
  int converged = 0;        // runs that ended with the stated confidence
  int converged_wrong = 0;  // of these, with a regret above the tolerance
};
// REQUIRES: runs is not empty.
ReplaySummary summarise(std::string table, std::string strategy, std::span<const ReplayRun> runs,
                        Seconds exhaustive_seconds, double tolerance);

// Device seconds of ten visits to every batch that can be run, each prepared once (without a
// compiler's); a sweep upwards
// meets the end of memory once.
Seconds exhaustive_seconds(const TableGroup& tables);

}  // namespace batchtune

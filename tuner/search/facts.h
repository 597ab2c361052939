// The observations of a session, read once and sorted for concluding. Private to tuner/search.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "tuner/core/session.h"
#include "tuner/core/trial.h"
#include "tuner/statistics/levels.h"

namespace batchtune {

// Points into the record, which must outlive it.
struct Facts {
  std::vector<const Preparation*> preparations;
  std::vector<const Round*> rounds;
  std::vector<RoundMedians> medians;
  std::map<CandidateGroup, std::vector<Probe>> probes;
  std::optional<Bytes> memory_limit;        // in force
  std::map<TrialId, Bytes> memory;          // measured alone, accounted, or on the line
  std::set<TrialId> over_a_limit;           // the samples themselves exceed a latency limit
  std::vector<std::vector<int>> resampled;  // round indices; empty with too few rounds
};

Facts gather(const SessionRecord& record, const Wishes& wishes);

// Trials by id with the last ending that each had.
std::vector<Trial> trials_of(const SessionRecord& record);

// Fill measurement and limits, then memory, of every trial; keep in `facts` what verdicts need of
// them.
void add_measurements(Conclusion& conclusion, Facts& facts, const Wishes& wishes);
void add_memory(Conclusion& conclusion, Facts& facts);

bool is_measured(const Trial& trial);  // has figures and may be ranked
bool is_over_memory(const Trial& trial, const Facts& facts);
Trial* find(std::vector<Trial>& trials, TrialId id);

// Throughput of each trial in each resampling of rounds; its own figure where it was not drawn.
std::vector<std::vector<double>> resampled_throughputs(const std::vector<const Trial*>& trials,
                                                       const Facts& facts, TrialId anchor);

}  // namespace batchtune

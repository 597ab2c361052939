// The observations of a session, read once and sorted for concluding. Private to tuner/search.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "tuner/core/session.h"
#include "tuner/core/trial.h"
#include "tuner/search/mix.h"
#include "tuner/statistics/levels.h"

namespace batchtune {

// Points into the record, which must outlive it.
struct Facts {
  bool searched = true;  // a search left what is clearly behind; else every figure was asked for
  std::vector<const Preparation*> preparations;
  std::vector<const Round*> rounds;
  std::vector<RoundMedians> medians;
  std::map<CandidateGroup, std::vector<Probe>> probes;
  std::optional<Bytes> memory_limit;        // in force
  std::optional<Bytes> safe_memory;         // that the session was started with
  std::map<TrialId, Bytes> memory;          // measured alone, accounted, or on the line
  std::vector<UserBatch> mix;               // the wishes' user batches
  RequestTimes requests;                    // of those that were run as such
  std::map<TrialId, double> pooled;         // rates that choices are made by (looks.h)
  std::vector<std::vector<int>> resampled;  // round indices; empty with too few rounds
};

Facts gather(const SessionRecord& record, const Wishes& wishes);

// Trials by id with the last ending that each had.
std::vector<Trial> trials_of(const SessionRecord& record);

// Fill measurement and limits, then memory, of every trial, and keep in `facts` what verdicts need
// of them; then call the contenders unstable that are.
void add_measurements(Conclusion& conclusion, Facts& facts, const Wishes& wishes);
void add_memory(Conclusion& conclusion, Facts& facts);
void pool_rates(const Conclusion& conclusion, const SessionHeader& header, Facts& facts);
void mark_unstable(Conclusion& conclusion, const Facts& facts, const Wishes& wishes);

bool is_measured(const Trial& trial);  // has figures
bool is_over_memory(const Trial& trial, const Facts& facts);
// The last soak of this candidate under the memory limit; nullptr: there is none.
const Probe* soak_of(const Candidate& candidate, const Facts& facts);
bool fails_its_soak(const Trial& trial, const Facts& facts);
// Whether it competes to be chosen: measured, and compiled as it is.
bool is_ranked(const Trial& trial);
// May be recommended: ranked, and breaks nothing as far as is known. Needs limits and memory.
bool is_choosable(const Trial& trial, const Facts& facts);
Trial* find(std::vector<Trial>& trials, TrialId id);

// What choices and fronts are made by: the pooled rate where there is one. REQUIRES: is_measured().
double rate_of(const Trial& trial, const Facts& facts);

// Throughput of each trial in each resampling of rounds, moved by what its neighbours say of it:
// rate_of() where it was not drawn.
std::vector<std::vector<double>> resampled_throughputs(const std::vector<const Trial*>& trials,
                                                       const Facts& facts, TrialId anchor);

}  // namespace batchtune

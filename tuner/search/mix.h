// Choices where one compiled batch serves a mix of user batches (Wishes::user_batches): a candidate is worth what it
// gives users, not the samples that it computes. Without a mix every batch is its own. Private to tuner/search.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "tuner/core/limits.h"
#include "tuner/core/user_batches.h"
#include "tuner/search/verdict.h"
#include "tuner/statistics/promise.h"

namespace batchtune {

// Whether it may be compiled and chosen; else it is a user's batch in runs of a compiled one.
inline bool is_whole(const Candidate& candidate) { return candidate.group.compiled_batch == 0; }

// Measured seconds of users' requests, by the candidate that splits them.
using RequestTimes = std::map<Candidate, Seconds>;

// A whole candidate by its rate, in samples/s that it computes. With a mix its throughput is of users' samples and its
// latency that of a request on average: by `times` where they have the whole mix, else from its own runs.
Choice choice_of(TrialId trial, const Candidate& candidate, double rate, std::span<const UserBatch> mix,
                 const RequestTimes& times);

// Runs of a candidate as the requests that latency limits are about: with a mix a request takes as many as the one
// that takes most, all as long as this.
std::vector<VisitSamples> as_requests(std::vector<VisitSamples> visits, const Candidate& candidate,
                                      std::span<const UserBatch> mix);

}  // namespace batchtune

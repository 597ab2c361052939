// Dynamic batching in numbers: one batch is compiled, and what a user sends is split into runs of it, the last one
// padded. What that makes of one user's batch and of a mix of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/limits.h"
#include "tuner/core/trial.h"

namespace batchtune {

// Runs that a user's batch takes. All batches are at least 1.
std::int64_t runs_of(std::int64_t user_batch, std::int64_t compiled_batch);
std::int64_t most_runs(std::span<const UserBatch> mix, std::int64_t compiled_batch);  // of one request; 1 without a mix

// Samples that users sent over those that are computed, 0 to 1.
double useful_share(std::int64_t user_batch, std::int64_t compiled_batch);
double useful_share(std::span<const UserBatch> mix, std::int64_t compiled_batch);  // of all requests; 1 without a mix

double samples_of_request(std::span<const UserBatch> mix);  // on average

// The compiled batches that can be best for a mix, ascending: ceil(u / k) for its user batches u. Any other takes as
// many runs for every request as the largest of these below it, and each of those runs is no shorter.
std::vector<std::int64_t> compiled_batches_for(std::span<const UserBatch> mix);

// "1 (40 %), 8 (30 %), 12 (30 %)"
std::string to_string(std::span<const UserBatch> mix);

// A mix whose requests come one after the other, in every instance.
struct MixService {
  double throughput = 0;  // samples/s of users, all instances
  Seconds request = 0;    // time of a request on average
  Seconds longest = 0;    // of the request that takes longest
  bool measured = false;  // each user batch was run as such; else all is from runs of the compiled batch
};

// Seconds that a request of a user's batch was measured to take; nullopt: it was not.
using RequestTime = std::function<std::optional<Seconds>(std::int64_t user_batch)>;

// `run`: seconds of one run of the compiled batch. `measured` may be empty; it is heeded if it knows the whole mix.
MixService serve(std::span<const UserBatch> mix, std::int64_t compiled_batch, int instances, Seconds run,
                 const RequestTime& measured = {});

// The candidate that splits a user's batch into runs of `compiled`.
Candidate split_into(const Candidate& compiled, std::int64_t user_batch);

// The measured trial of a candidate; nullptr: there is none.
const Trial* measured_trial(std::span<const Trial> trials, const Candidate& candidate);

// By the figures of a measured trial of a compiled batch, and those of its users' batches where `trials` has them.
MixService serve(std::span<const UserBatch> mix, const Trial& compiled, std::span<const Trial> trials);

}  // namespace batchtune

// Dynamic batching as typed: --compiled-batch with the user batches that are split (measure), and the mix of user
// batches that a compiled batch is looked for (tune, report).
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/arguments.h"
#include "tuner/cli/options.h"
#include "tuner/core/candidate.h"
#include "tuner/core/error.h"
#include "tuner/core/limits.h"

namespace batchtune {

void add_user_mix_option(Arguments& arguments, TuningOptions& options);  // --user-batches MIX
// --compiled-batch, --user-batch, --user-batches LIST
void add_split_options(Arguments& arguments, TuningOptions& options);

// "1:40%,8:30%,12:30%": batches with shares above 0 that add up to 100 % within 1.5 %, which are then made to add up to
// 1; one batch alone needs none. Ascending, each once.
Result<std::vector<UserBatch>> parse_user_mix(const std::string& text);

// Fills what a request says of dynamic batching, and the batches that it means: compiled ones.
Status parse_user_batches(const TuningOptions& options, TuningRequest& request);

// `measure` with --compiled-batch: in each group every compiled batch as it is, then the user batches in runs of it.
// Empty without.
std::vector<Candidate> split_candidates(const TuningRequest& request, const std::vector<CandidateGroup>& groups);

}  // namespace batchtune

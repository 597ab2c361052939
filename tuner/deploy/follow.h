// What a session that follows an earlier one visits. Rounds of another day share no disturbance
// with today's, so no round of the earlier one is judged together with new ones: what is taken over
// is which batches matter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/trial.h"

namespace batchtune {

const Trial* find_trial(const Conclusion& conclusion, TrialId id);  // nullptr: there is none

// What a series must hold to have no holes: each front, each recommended batch and the nearest
// measured ones beside it. Ascending, each once; empty where nothing was measured.
std::vector<std::int64_t> tracked_batches(const Conclusion& conclusion);

struct RuledOut {
  std::int64_t batch = 0;
  std::string why;  // "batch 8 does more samples/s", "wrong_result"
};

// Batches that no objective and no limit could choose in any of `groups`, ascending: they gave
// wrong results, the backend cannot do them, or a smaller batch of their group does more samples/s
// (the intervals of the ratios are apart): that one has a shorter latency and needs less memory. A
// group that was not measured rules nothing out. Not ruled out: what ended out of memory, in a
// crash or too late, since another limit or moment may end otherwise.
std::vector<RuledOut> ruled_out(const Conclusion& conclusion,
                                std::span<const CandidateGroup> groups);

// In the grammar of --batches, without the ones ruled out: of `asked`, or, where that is empty, of
// 1 to `largest`. "1:3,5:16". Empty: none is left.
std::string batches_without(const std::vector<RuledOut>& out,
                            const std::vector<std::int64_t>& asked, std::int64_t largest);

}  // namespace batchtune

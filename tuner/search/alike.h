// Whether rounds can tell two choices apart. Not whether the difference matters to anyone: a
// plateau that was measured long enough has an order.
#pragma once

#include <span>

#include "tuner/search/verdict.h"
#include "tuner/statistics/rounds.h"

namespace batchtune {

// `other` cannot be told from `best` where
// - the 95 % interval of their paired ratio, over the rounds that they share or else through the
//   anchor, has room for `other` being as good; with fewer than kFewestRounds rounds it has not:
//   one that was hardly looked at is never preferred, and
// - by its figure it loses at most a quarter of Wishes::tolerance: what it may lose beyond is then
//   within the tolerance too, mostly.
// By throughput; by the objective latency by that. `rounds` must outlive the result, which
// remembers each pair.
Alike alike_by(std::span<const RoundMedians> rounds, TrialId anchor, const Wishes& wishes);

// The first of these alone: whether more rounds might turn the two around, however much their
// figures differ. For saying how sure a choice is, not for choosing.
Alike unresolved_by(std::span<const RoundMedians> rounds, TrialId anchor, const Wishes& wishes);

}  // namespace batchtune

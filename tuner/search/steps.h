// Steps that strategies have in common. Private to tuner/search.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

inline constexpr std::size_t kMostPrograms = 8;  // held at once, for the sake of memory

// The anchor is the first candidate with a short run: the seed, else halved down to the smallest,
// or to the last that may be prepared. Fixes it as soon as there is one; else the next to prepare.
// nullopt also before any was asked for: a strategy begins with the seed.
std::optional<Ask> fix_anchor(Ledger& ledger, const Problem& problem, const CandidateGroup& group);

// Up to which batch a strategy looks where neither --batches nor a measured time says: twice the
// seed, or kWithoutEstimate where nothing is estimated and the seed is no more than a beginning.
std::int64_t largest_guessed(const Problem& problem, const Estimate& estimate);
inline constexpr std::int64_t kWithoutEstimate = 64;  // what users without a tuner try by hand

// Whether another candidate may be prepared: Problem::most_batches.
bool may_add(const Ledger& ledger, const Problem& problem);

// Whether the smallest batch of some backend was never asked for.
bool needs_smallest(const Ledger& ledger, const Problem& problem);

// Programs that are clearly worse give their memory back: while more than kMostPrograms are held,
// the worst but the anchor, the smallest batch and the `needed` ones.
std::optional<Ask> trim(Ledger& ledger, const Problem& problem, std::span<const TrialId> needed);

// Probes need the memory that the contenders hold. The anchor is never released.
std::optional<Ask> release_contenders(Ledger& ledger);

AskPrepare prepare(Ledger& ledger, const Candidate& candidate);

// In the background, of a group whose programs are compiled. Ask again after it: it is not told.
AskCompile compile(Ledger& ledger, const Candidate& candidate);

}  // namespace batchtune

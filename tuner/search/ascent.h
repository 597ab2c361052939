// How far up a group may be tried. Where a memory limit is known, what fits is predicted; where
// none is, each step up may be the one that ends a process: so steps are small, from the smallest
// batch, and after a hit little is tried. Private to tuner/search.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// Whether something says what fits before it is tried, and the group's seed is far below it: a plan
// of memory may be wrong by some tens of percent. An unknown estimate says nothing.
bool memory_is_known(const Problem& problem, const CandidateGroup& group);

// Whether a candidate takes so long to prepare (a compiler of minutes) that looks are counted.
bool is_dear(const Ledger& ledger);

// Up to which batch the group may be tried now. Before memory ran out: anything where it is known,
// else one step above the largest that ran: two octaves, or less where so long a step would leave
// much behind if memory ended within it. After it ran out: halfway to there, once (without a known
// limit only where that may gain much), then no further. Each hit may cost a process.
std::int64_t below_the_wall(const Ledger& ledger, const Problem& problem,
                            const CandidateGroup& group);

// Of `batches` (ascending) above `low` and up to `high`, the one to step on: a multiple of most
// tiles, so that steps of kernels and slow powers of two do not hide the shape, and far up.
// nullopt: there is none.
std::optional<std::int64_t> step_within(std::span<const std::int64_t> batches, std::int64_t low,
                                        std::int64_t high);

double octaves_between(std::int64_t a, std::int64_t b);  // at least 0

// Of `batches` strictly between two, a multiple of most tiles near their (geometric) middle.
std::optional<std::int64_t> middle_within(std::span<const std::int64_t> batches, std::int64_t low,
                                          std::int64_t high);

}  // namespace batchtune

// Which batch to prepare next where compilations are counted, and which to compile meanwhile.
// Private to tuner/search.
// - The smallest batch first: it is always measured, and outputs are held against it.
// - What is compiled already, wherever it tells something: it costs seconds, not minutes.
// - Then what next_of_few() (sparse_scan.h) wants, as long as compilations are left; programs that
//   are compiled stand in for those near them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/prospects.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// Whether preparing it is allowed by the compilations that are left: groups that run different
// programs share them evenly.
bool may_compile(const Ledger& ledger, const Problem& problem, const Candidate& candidate);

struct CompilePlan {
  std::optional<Candidate> next;  // to be prepared
  std::vector<Candidate> ahead;   // to be compiled in the background before that, in this order
  bool refused = false;           // a batch is worth a compilation, but none is left
};

// `left`: racing seconds. REQUIRES: all that is prepared of the group has had its first rounds.
CompilePlan plan_compiles(const Ledger& ledger, const Problem& problem, const Estimate& estimate,
                          Seconds left);

// How many may be compiled in the background besides the one that is prepared next. Problem says
// whether any.
int room_ahead(const Ledger& ledger, const Problem& problem);

// What is to be compiled before `next` is prepared: itself, so that its compiler starts first, then
// what is likely to be `then`. nullopt: nothing, or nothing is compiled ahead here.
std::optional<Candidate> compile_before(const Ledger& ledger, const Problem& problem,
                                        const Candidate& next, const std::optional<Candidate>& then);

// Of the prospects that may be looked at, and are far enough from the next one to tell something
// else, the one that is worth most now. nullopt: none, or nothing is compiled ahead here.
std::optional<Candidate> likely_then(const Ledger& ledger, const Problem& problem,
                                     std::span<const Prospect> prospects, const Prospect& next,
                                     const std::function<bool(const Prospect&)>& may_look);

// "6 compilations used"
std::string compilations_used(const Ledger& ledger);

}  // namespace batchtune

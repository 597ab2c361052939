// The last part of a race with latency limits: the candidate that will be recommended if it keeps
// them gets further rounds until it is judged. Others get none, however near or far their limits
// are. Private to tuner/search.
#pragma once

#include <string>

#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

struct Proof {
  bool decided = false;  // every limit is judged kept (a broken one is not chosen any more)
  std::string words;     // of its verdicts so far; "" without limits
  RoundRequest round;    // what to measure next
  Seconds cost = 0;      // of that round
};
Proof proof_of(const Ledger& ledger, const Problem& problem, TrialId trial);

// Racing seconds left without what is kept for proofs while others are raced: what they lack, but
// never more than half of the budget; nothing without limits.
Seconds left_to_race(const Ledger& ledger, const Problem& problem);

}  // namespace batchtune

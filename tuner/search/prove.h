// The last part of a race with latency limits: the candidate that will be recommended if it keeps
// them gets further rounds until it is judged. Others get none, however near or far their limits
// are. Private to tuner/search.
#pragma once

#include <functional>
#include <map>
#include <optional>
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

// What is recommended must be known to keep its limits: the choice of the fastest backend first.
// One that breaks them is not choosable any more, and the next one's turn comes. Equals change
// places from round to round: one that was begun is brought to its end while it is a contender.
class Prover {
 public:
  struct Standing {
    bool decided = false;
    std::string words;  // of the limits of the one whose turn it is
  };
  // nullopt: all are decided, or what is left of the budget is not enough.
  std::optional<Ask> next(const Ledger& ledger, const Problem& problem,
                          const std::function<bool(TrialId)>& contends);
  // By backend, of those that have a choice, as of the last next().
  const std::map<std::string, Standing>& standing() const { return standing_; }

 private:
  std::map<std::string, TrialId> proving_;
  std::map<std::string, Standing> standing_;
};

// Racing seconds left without what is kept for proofs while others are raced: what they lack, but
// never more than half of the budget; nothing without limits.
Seconds left_to_race(const Ledger& ledger, const Problem& problem);

}  // namespace batchtune

// The contenders in short interleaved rounds until their order is settled. Private to tuner/search.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// Those that can still be chosen: near the best rate or near the knee's threshold, a handful.
std::vector<TrialId> finalists(const Ledger& ledger, const Problem& problem);

struct RaceState {
  bool settled = false;
  std::string reason;          // in words, settled or not
  std::vector<TrialId> needy;  // who still needs rounds, fewest first
};
RaceState race_state(const Ledger& ledger, const Problem& problem,
                     const std::vector<TrialId>& contenders);

// Whether every ratio to the anchor is known to 1 %.
bool all_narrow(const Ledger& ledger, const std::vector<TrialId>& contenders);

// A round of the anchor and as many contenders (first ones first) as fit into it; where runs are
// long: one.
RoundRequest round_of(const Ledger& ledger, const std::vector<TrialId>& contenders,
                      Seconds shortest);

// Seconds that such a round will take.
Seconds round_cost(const Ledger& ledger, const std::vector<TrialId>& contenders);

// In words, once the anchor has ended: rounds tell nothing any more. nullopt: it runs, or none is
// fixed yet.
std::optional<std::string> anchor_ended(const Ledger& ledger);

// The choice by the wishes among what may be chosen so far; 0: nothing.
TrialId chosen_so_far(const Ledger& ledger, const Problem& problem);

// First rounds of a candidate: enough to see who is clearly worse. Long runs average within
// themselves.
int scan_rounds(Seconds run);

inline constexpr Seconds kShortRound = 0.5;  // gives a first ratio to the anchor
inline constexpr Seconds kRaceRound = 0.8;   // fine rounds: disturbances switch within longer ones
inline constexpr Seconds kLongestRound = 2;
inline constexpr int kMostRounds = 40;      // an order that is open after as many does not matter
inline constexpr Seconds kAnchorRun = 0.2;  // the anchor is in every round: its runs must be short
inline constexpr int kFinalRounds = 10;  // of a finalist with the anchor: a 95 % interval of (2, 9)

}  // namespace batchtune

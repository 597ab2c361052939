// The contenders in short interleaved rounds until their order is settled. Private to tuner/search.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/measure/stop_rule.h"
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

// A rule about the question, told all rounds so far; nullptr: there is no rule of that name.
std::unique_ptr<StopRule> rule_over(const Ledger& ledger, std::string_view name,
                                    const StopQuestion& question);

// A round of the anchor and as many contenders (first ones first) as fit into it; where runs are
// long: one.
RoundRequest round_of(const Ledger& ledger, const std::vector<TrialId>& contenders,
                      Seconds shortest);

// Seconds that such a round will take.
Seconds round_cost(const Ledger& ledger, const std::vector<TrialId>& contenders);

// In words, once the anchor has ended: rounds tell nothing any more. nullopt: it runs, or none is
// fixed yet.
std::optional<std::string> anchor_ended(const Ledger& ledger);

// Whether every latency limit is judged kept.
bool keeps_limits(const Entry& entry, const Problem& problem);

// The choice by the wishes among what may be chosen so far; 0: nothing. The likely one keeps its
// limits for all that is known. Where it is not judged to do so yet but others are, the choice so
// far is among those, as it will be concluded.
TrialId likely_choice(const Ledger& ledger, const Problem& problem);
TrialId chosen_so_far(const Ledger& ledger, const Problem& problem);

// First rounds of a candidate: enough to see who is clearly worse. Long runs average within
// themselves.
int scan_rounds(Seconds run);

inline constexpr double kNearby = 0.05;  // what short rounds may be wrong by: not "clearly worse"
inline constexpr Seconds kShortRound = 0.5;  // gives a first ratio to the anchor
inline constexpr Seconds kRaceRound = 0.8;   // fine rounds: disturbances switch within longer ones
inline constexpr Seconds kLongestRound = 2;
inline constexpr Seconds kAnchorRun = 0.2;  // the anchor is in every round: its runs must be short

}  // namespace batchtune

// The contenders in short interleaved rounds until their order is settled. Private to tuner/search.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/measure/stop_rule.h"
#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// In the order of the groups. Each backend has a choice of its own, as it gets a verdict.
std::vector<std::string> backends_of(const Problem& problem);

// Those of a backend that can still be chosen, a handful: the likely choice first, then those near
// the best rate or near the knee's threshold.
std::vector<TrialId> finalists(const Ledger& ledger, const Problem& problem,
                               const std::string& backend);

struct RaceState {
  bool settled = false;
  std::string reason;          // in words, settled or not
  std::vector<TrialId> needy;  // who still needs rounds, fewest first
};

// A named stop rule about subjects that may change, told each round once. It chooses by the latest
// question: what pooling makes of a rate changes with every round.
class WatchedRule {
 public:
  explicit WatchedRule(std::string name) : name_(std::move(name)) {}

  bool done(const Ledger& ledger, const StopQuestion& question);

 private:
  using Choose = std::function<std::size_t(std::span<const double>)>;

  std::string name_;
  std::shared_ptr<Choose> choose_;
  std::vector<TrialId> subjects_;
  std::unique_ptr<StopRule> rule_;
  std::size_t told_ = 0;
};

class RaceOrder {
 public:
  RaceState state(const Ledger& ledger, const Problem& problem,
                  const std::vector<TrialId>& contenders);

 private:
  WatchedRule interval_{"interval"}, rank_{"rank"};
};

// A round of the anchor and as many contenders (first ones first) as fit into it; where runs are
// long: one.
RoundRequest round_of(const Ledger& ledger, const std::vector<TrialId>& contenders,
                      Seconds shortest);

// Cost of preparing, in runs: the checked first run, and about as much again.
inline constexpr double kRunsToPrepare = 2;

// Of preparing a candidate again that was released; 0 for one that is held.
Seconds seconds_again(const Ledger& ledger, const Entry& entry);

// Seconds that such a round will take.
Seconds round_cost(const Ledger& ledger, const std::vector<TrialId>& contenders);

// In words, once the anchor has ended: rounds tell nothing any more. nullopt: it runs, or none is
// fixed yet.
std::optional<std::string> anchor_ended(const Ledger& ledger);

// Whether every latency limit is judged kept.
bool keeps_limits(const Entry& entry, const Problem& problem);

// The choice by the wishes among what may be chosen so far, one of each backend that has any, the
// fastest first.
std::vector<TrialId> likely_choices(const Ledger& ledger, const Problem& problem);

// What would be concluded to be the best now; 0: nothing. One that is judged to keep its limits is
// preferred to one that is not, in a backend and across them.
TrialId chosen_so_far(const Ledger& ledger, const Problem& problem);

// First rounds of a candidate: enough to see who is clearly worse. Long runs average within
// themselves.
int scan_rounds(Seconds run);

inline constexpr double kNearby = 0.05;  // what short rounds may be wrong by: not "clearly worse"
inline constexpr double kRunsPerVisit = 3;   // one warm, two timed
inline constexpr Seconds kShortRound = 0.5;  // gives a first ratio to the anchor
inline constexpr Seconds kRaceRound = 0.8;   // fine rounds: disturbances switch within longer ones
inline constexpr Seconds kLongestRound = 2;
inline constexpr Seconds kAnchorRun = 0.2;  // the anchor is in every round: its runs must be short

}  // namespace batchtune

// What a round consists of: which contenders, how many runs each, in which order. Pure and seeded;
// it knows programs by number and cost only.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/measure/measurer.h"

namespace batchtune {

struct VisitLength {
  int warm = 0, timed = 1;

  int runs() const { return warm + timed; }
  bool operator==(const VisitLength&) const = default;
};

// From the duration of one run. The warm runs are where a program starts; what it shows of its own
// carry-over adds to them (warm_up.h).
VisitLength visit_length(Seconds run);

// A run above this comes alone with the anchor: several would spread a round over many seconds.
inline constexpr Seconds kPairRun = 1.0;

// What one visit of a program costs, as far as is known.
struct PricedContender {
  TrialId trial = 0;
  double weight = 1;
  Seconds run = 0;  // of one run
  VisitLength length;
  Seconds extra = 0;  // of a visit, beside its runs

  Seconds visit_seconds() const { return run * length.runs() + extra; }
};

// `timed` wanted by a contender (0: as usual) and warm runs as far as grown; as many timed runs as
// `most` seconds hold, but one at least.
PricedContender price(const Contender& contender, Seconds run, int warm, Seconds most);

using RoundRandom = std::mt19937_64;
RoundRandom round_random(std::uint64_t seed, std::uint64_t sequence);

// Draws the contenders of one round after the other, so that over the rounds each is visited in
// proportion to its weight and any two of one weight meet about equally often: greedily the one
// with the fewest visits per weight, among these the one that met fewest of those drawn already,
// among these at random. Who joins late, or was away, starts where the others stand.
class BalancedDraws {
 public:
  // Without replacement, while they fit into `seconds` (those spent on anchor and references
  // already taken off). At least one is drawn, if there is one, however long it takes; one whose
  // run is above kPairRun is drawn alone.
  std::vector<PricedContender> draw(const std::vector<PricedContender>& contenders, Seconds seconds,
                                    RoundRandom& random);
  void forget(TrialId trial);

 private:
  void admit(const std::vector<PricedContender>& contenders);
  int meetings(TrialId trial, const std::vector<PricedContender>& with) const;

  std::map<TrialId, double> visits_per_weight_;          // of the contenders of the last draw
  std::map<std::pair<TrialId, TrialId>, int> meetings_;  // smaller number first
};

template <typename T>
void shuffle_in_place(std::vector<T>& items, RoundRandom& random) {
  for (std::size_t left = items.size(); left > 1; --left)
    std::swap(items[left - 1], items[random() % left]);  // bias below 2^-60 for such lengths
}

}  // namespace batchtune

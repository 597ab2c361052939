#include "tuner/measure/round_plan.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <tuple>

namespace batchtune {
namespace {

// Carry-over after a switch, as measured: small memory-bound batches lose 8 % in the first run and
// 3 % in the second, so short runs are warmed twice, and for at least the time in which another
// worker's threads may still be going to sleep. Longer ones are warmed once. Above a second,
// refilling the caches (some ms) is lost in the run, and a warm one would double the price.
constexpr Seconds kShortRun = 0.010;
constexpr Seconds kSettling = 0.0005;
// Timed runs fill about so much, which is short against the seconds between disturbances ...
constexpr Seconds kVisitSeconds = 0.030;
// ... but a visit's median needs no more samples than this.
constexpr int kMostRunsOfVisit = 64;

// Runs that fill `seconds`, at least `least`. A virtual clock's run may take 0 seconds.
int runs_within(Seconds seconds, Seconds run, int least) {
  const double wanted = run > 0 ? std::ceil(seconds / run) : kMostRunsOfVisit;
  return static_cast<int>(std::clamp<double>(wanted, least, kMostRunsOfVisit));
}

std::pair<TrialId, TrialId> pair_of(TrialId a, TrialId b) {
  return {std::min(a, b), std::max(a, b)};
}

}  // namespace

VisitLength visit_length(Seconds run) {
  VisitLength length;
  length.warm = run < kShortRun ? runs_within(kSettling, run, 2) : run < kPairRun ? 1 : 0;
  length.timed = runs_within(kVisitSeconds, run, 1);
  return length;
}

PricedContender price(const Contender& contender, Seconds run, int warm, Seconds most) {
  PricedContender priced{contender.trial, contender.weight, run, visit_length(run)};
  priced.length.warm = std::max(priced.length.warm, warm);
  if (contender.timed > 0) priced.length.timed = contender.timed;
  if (run > 0) {
    const double fitting = std::floor(most / run) - priced.length.warm;
    priced.length.timed =
        static_cast<int>(std::max(1.0, std::min<double>(priced.length.timed, fitting)));
  }
  return priced;
}

RoundRandom round_random(std::uint64_t seed, std::uint64_t sequence) {
  constexpr std::uint64_t kOddConstant =
      0x9E3779B97F4A7C15u;  // 2^64 over the golden ratio: spreads numbers
  return RoundRandom(seed + (sequence + 1) * kOddConstant);
}

// Those who are not there now are forgotten but for their meetings: when they come back they start
// where the others stand, instead of being drawn in every round until they have caught up.
void BalancedDraws::admit(const std::vector<PricedContender>& contenders) {
  std::map<TrialId, double> present;
  double least = std::numeric_limits<double>::infinity();
  for (const PricedContender& contender : contenders)
    if (const auto known = visits_per_weight_.find(contender.trial);
        known != visits_per_weight_.end()) {
      present.insert(*known);
      least = std::min(least, known->second);
    }
  for (const PricedContender& contender : contenders)
    present.emplace(contender.trial, std::isfinite(least) ? least : 0);
  visits_per_weight_ = std::move(present);
}

int BalancedDraws::meetings(TrialId trial, const std::vector<PricedContender>& with) const {
  int sum = 0;
  for (const PricedContender& other : with) {
    const auto found = meetings_.find(pair_of(trial, other.trial));
    if (found != meetings_.end()) sum += found->second;
  }
  return sum;
}

std::vector<PricedContender> BalancedDraws::draw(const std::vector<PricedContender>& contenders,
                                                 Seconds seconds, RoundRandom& random) {
  admit(contenders);
  std::vector<PricedContender> left = contenders, taken;
  shuffle_in_place(left, random);  // decides among equals
  while (!left.empty()) {
    const auto rank = [&](const PricedContender& contender) {
      return std::tuple(visits_per_weight_.at(contender.trial), meetings(contender.trial, taken));
    };
    const auto next = std::min_element(
        left.begin(), left.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    const bool fits = next->visit_seconds() <= seconds && next->run <= kPairRun;
    if (!taken.empty() && !fits) break;  // skipping it would favour short ones; it is next
    seconds -= next->visit_seconds();
    taken.push_back(*next);
    left.erase(next);
    if (taken.back().run > kPairRun) break;
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    visits_per_weight_[taken[i].trial] += 1 / taken[i].weight;
    for (std::size_t k = 0; k < i; ++k) ++meetings_[pair_of(taken[i].trial, taken[k].trial)];
  }
  return taken;
}

void BalancedDraws::forget(TrialId trial) {
  visits_per_weight_.erase(trial);
  std::erase_if(meetings_, [&](const auto& entry) {
    return entry.first.first == trial || entry.first.second == trial;
  });
}

}  // namespace batchtune

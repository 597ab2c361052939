#include "tuner/measure/round_plan.h"

#include <algorithm>
#include <cmath>

namespace batchtune {
namespace {

// Carry-over after a switch, as measured: small memory-bound batches lose 8 % in the first run and
// 3 % in the second, so short runs are warmed twice, and for at least the time in which the parent
// may still be reading the last visit. Longer ones are warmed once. Above a second, refilling the
// caches (some ms) is lost in the run, and a warm one would double the price. A fixed table: what a
// machine at hand shows of its own carry-over changes nothing here.
constexpr Seconds kShortRun = 0.010;
constexpr Seconds kLongRun = 1.0;
constexpr Seconds kSettling = 0.0005;
// Timed runs fill about so much, which is short against the seconds between disturbances ...
constexpr Seconds kVisitSeconds = 0.030;
// ... but a visit's median needs no more samples than this.
constexpr int kMostRuns = 64;

// Runs that fill `seconds`, at least `least`. A virtual clock's run may take 0 seconds.
int runs_within(Seconds seconds, Seconds run, int least) {
  const double wanted = run > 0 ? std::ceil(seconds / run) : kMostRuns;
  return static_cast<int>(std::clamp<double>(wanted, least, kMostRuns));
}

double uniform(RoundRandom& random) {  // in (0, 1)
  return (static_cast<double>(random() >> 12) + 0.5) / static_cast<double>(std::uint64_t{1} << 52);
}

}  // namespace

VisitLength visit_length(Seconds run) {
  VisitLength length;
  length.warm = run < kShortRun ? runs_within(kSettling, run, 2) : run < kLongRun ? 1 : 0;
  length.timed = runs_within(kVisitSeconds, run, 1);
  return length;
}

RoundRandom round_random(std::uint64_t seed, std::uint64_t sequence) {
  constexpr std::uint64_t kOddConstant =
      0x9E3779B97F4A7C15u;  // 2^64 over the golden ratio: spreads numbers
  return RoundRandom(seed + (sequence + 1) * kOddConstant);
}

std::vector<PricedContender> draw_contenders(const std::vector<PricedContender>& contenders,
                                             Seconds seconds, RoundRandom& random) {
  // Ascending exponential variates with rate = weight are a weighted draw without replacement.
  std::vector<std::pair<double, PricedContender>> drawn;
  for (const PricedContender& contender : contenders)
    drawn.emplace_back(-std::log(uniform(random)) / contender.weight, contender);
  std::sort(drawn.begin(), drawn.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PricedContender> taken;
  for (const auto& [key, contender] : drawn) {
    const Seconds cost = contender.visit_seconds();
    if (!taken.empty() && cost > seconds) break;  // skipping it would favour short ones
    taken.push_back(contender);
    seconds -= cost;
  }
  return taken;
}

}  // namespace batchtune

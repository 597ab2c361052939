#include "kernels/probe/burst.h"

#include <algorithm>

namespace batchtune::probe {

void visit(PinnedTeam& team, Burst& burst) {
  const std::int64_t warm = burst.whole_warm ? 1 : burst.repeats / 16 + 1;
  const double seconds = team.run(
      burst.threads, [&](int member) { burst.loop(member, warm); },
      [&](int member) { burst.loop(member, burst.repeats); });
  if (seconds <= 0) return;  // the clock did not tick
  burst.spent += seconds * (1 + static_cast<double>(warm) / static_cast<double>(burst.repeats));
  burst.rates.push_back(burst.work * static_cast<double>(burst.repeats) / seconds);
}

namespace {

constexpr double kSurelyLong = 20 * kBurstSeconds;  // no two interruptions in a row, whatever the load

// Of one burst with the present repeats: the shortest of three, or of two that are long beyond doubt. A thread that
// waited for a CPU makes any burst long, and repeats that were settled by it would be far too few.
double shortest_seconds(PinnedTeam& team, Burst& burst) {
  constexpr int kTries = 3;
  double shortest = 0;
  burst.rates.clear();
  for (int i = 0; i < kTries; ++i) {
    visit(team, burst);
    if (burst.rates.empty()) return 0;
    const double fastest = *std::max_element(burst.rates.begin(), burst.rates.end());
    shortest = burst.work * static_cast<double>(burst.repeats) / fastest;
    if (shortest < kBurstSeconds / 2 || (i > 0 && shortest >= kSurelyLong)) break;
  }
  return shortest;
}

}  // namespace

void fit(PinnedTeam& team, Burst& burst) {
  constexpr std::int64_t kMostRepeats = std::int64_t{1} << 40;  // no loop here is that fast
  for (;;) {
    const double took = shortest_seconds(team, burst);
    if (took >= kBurstSeconds / 2 || burst.repeats >= kMostRepeats) return;
    const double missing = took > 0 ? kBurstSeconds / took : 16;
    burst.repeats = static_cast<std::int64_t>(static_cast<double>(burst.repeats) *
                                              std::clamp(missing, 1.5, 16.0)) +
                    1;
  }
}

Rate rate_of(const Burst& burst) {
  if (burst.rates.empty()) return {};
  std::vector<double> sorted = burst.rates;
  std::sort(sorted.begin(), sorted.end());
  return {sorted.back(), sorted[sorted.size() / 2], static_cast<int>(sorted.size())};
}

}  // namespace batchtune::probe

#include "tuner/measure/warm_up.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "tuner/measure/round_plan.h"
#include "tuner/statistics/transient.h"

namespace batchtune {
namespace {

// Enough to see 1 %, and few enough to follow a program whose neighbours in the round change.
constexpr std::size_t kLatestVisits = 20;
// A program that still changes after so many runs is not warming up, it drifts ...
constexpr int kMostWarm = 16;
// ... and no visit warms for longer than an eighth of a round.
constexpr Seconds kMostWarmSeconds = 0.25;

int most_warm(Seconds run) {
  if (run <= 0) return kMostWarm;
  return static_cast<int>(std::min<double>(kMostWarm, kMostWarmSeconds / run));
}

}  // namespace

int WarmUps::warm_runs(TrialId program, Seconds run) const {
  const int table = visit_length(run).warm;
  const auto found = seen_.find(program);
  if (found == seen_.end()) return table;
  return std::max(table, found->second.warm);
}

void WarmUps::add(TrialId program, Seconds run, int warm, std::vector<Seconds> timed) {
  Seen& seen = seen_[program];
  seen.warm = std::max(seen.warm, warm);
  seen.visits.push_back(std::move(timed));
  if (seen.visits.size() > kLatestVisits) seen.visits.erase(seen.visits.begin());
  const int more = transient_runs(seen.visits);
  if (more == 0 || warm >= most_warm(run)) return;
  seen.warm = std::max(seen.warm, std::min(warm + more, most_warm(run)));
  seen.visits.clear();
}

}  // namespace batchtune

#include "tuner/measure/known_programs.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

// Of each timed run, that of its slowest instance.
std::vector<Seconds> timed_of(const protocol::Visited& visited) {
  const auto warm = static_cast<std::size_t>(std::max(0, visited.warm));
  std::vector<Seconds> timed;
  for (const auto& instance : visited.instances)
    for (std::size_t run = 0; run + warm < instance.size(); ++run) {
      if (run == timed.size()) timed.push_back(0);
      timed[run] = std::max(timed[run], instance[run + warm]);
    }
  return timed;
}

// Where a visit pays for more than its runs (starting a process), a quarter of that is spent on
// runs as well: few samples for so much would be a waste.
constexpr double kWorthOfExtra = 0.25;
constexpr int kMostRunsKnown = 64;  // a visit's median needs no more

int timed_runs_beside(Seconds extra, Seconds run) {
  const double wanted = run > 0 ? std::ceil(kWorthOfExtra * extra / run) : kMostRunsKnown;
  return std::max(visit_length(run).timed, static_cast<int>(std::min<double>(wanted, kMostRunsKnown)));
}

}  // namespace

void KnownPrograms::prepared(TrialId program, Seconds first_run, int warm) {
  run_seconds_[program] = first_run;
  if (warm > 0) warm_ups_.know(program, warm);
}

void KnownPrograms::visited(const protocol::Visited& visited) {
  std::vector<Seconds> timed = timed_of(visited);
  const Seconds run = timed.empty() ? 0 : median(timed);
  run_seconds_[visited.program] = run;
  extra_[visited.program] = visited.extra;
  warm_ups_.add(visited.program, run, visited.warm, std::move(timed));
}

void KnownPrograms::forget(TrialId program) {
  run_seconds_.erase(program);
  extra_.erase(program);
  warm_ups_.forget(program);
}

PricedContender KnownPrograms::price(const Contender& contender, Seconds most) const {
  const auto known = run_seconds_.find(contender.trial);
  const Seconds run = known != run_seconds_.end() ? known->second : 0;
  const auto beside = extra_.find(contender.trial);
  const Seconds extra = beside != extra_.end() ? beside->second : 0;
  Contender wanted = contender;
  if (extra > 0 && contender.timed == 0) wanted.timed = timed_runs_beside(extra, run);
  PricedContender priced = batchtune::price(wanted, run, warm_ups_.warm_runs(contender.trial, run),
                                            std::max(most, extra));
  priced.extra = extra;
  return priced;
}

}  // namespace batchtune

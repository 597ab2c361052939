#include "tuner/measure/overhead.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tuner/measure/worker.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr TrialId kNull = 1;
// As in a round of short programs: many visits of two warm runs and some timed ones. The medians
// are steady to some per cent with a thousand visits, which take some ms.
constexpr int kShares = 20, kVisits = 50, kWarm = 2, kTimed = 10;

}  // namespace

Result<Overhead> measure_overhead(RacingSetup setup) {
  setup.canary_cpus = 0;
  setup.watch = true;  // counting faults and switches is part of every visit
  RacingWorker worker(std::move(setup));
  Candidate candidate;
  candidate.group.backend = kReferenceBackend;
  const std::string wanted = "what the measuring itself costs, by a program that does nothing";
  BT_TRY(prepared, worker.prepare(kNull, candidate, kNullProgram));
  if (prepared.answer.ending.status != TrialStatus::ok)
    return environment_error(wanted, prepared.answer.ending.reason);

  std::vector<Seconds> runs, gaps;
  for (int share = 0; share < kShares; ++share) {
    BT_TRY(result,
           worker.visit(std::vector(kVisits, protocol::PlannedVisit{kNull, kWarm, kTimed})));
    for (const protocol::ShareDone& part : result.parts)
      for (const protocol::Visited& visited : part.visits) {
        for (const auto& instance : visited.instances)
          runs.insert(runs.end(),
                      instance.begin() + std::min<std::ptrdiff_t>(kWarm, std::ssize(instance)),
                      instance.end());
        if (visited.gap) gaps.push_back(*visited.gap);
      }
    if (!result.endings.empty())
      return environment_error(wanted, result.endings.front().second.reason);
  }
  if (runs.empty() || gaps.empty()) return environment_error(wanted, "no runs");
  return Overhead{median(runs), median(gaps), std::nullopt};
}

}  // namespace batchtune

#include "tuner/measure/turns.h"

#include <optional>
#include <utility>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/host_state.h"

namespace batchtune {
namespace {

// A worker that died while it was parked is left out.
Seconds cpu_used(const std::vector<RacingWorker*>& workers,
                 const std::vector<std::optional<Seconds>>& before) {
  Seconds sum = 0;
  for (std::size_t i = 0; i < workers.size(); ++i)
    if (const auto now = workers[i]->cpu_seconds(); now && before[i]) sum += *now - *before[i];
  return sum;
}

}  // namespace

Result<TurnResult> take_turn(Turn turn, const std::vector<RacingWorker*>& parked, bool watch) {
  for (RacingWorker* worker : parked) worker->park();
  TurnResult result;
  if (!watch) {
    BT_TRY(share, turn.worker->visit(std::move(turn.share), turn.anchor));
    result.share = std::move(share);
    return result;
  }
  std::vector<std::optional<Seconds>> cpu;
  for (const RacingWorker* worker : parked) cpu.push_back(worker->cpu_seconds());
  const HostCounters before = read_host_counters();
  const Stopwatch stopwatch;
  BT_TRY(share, turn.worker->visit(std::move(turn.share), turn.anchor));
  const Seconds wall = stopwatch.seconds();
  result.share = std::move(share);
  result.host = state_of_turn(before, read_host_counters(), wall);
  if (!parked.empty() && wall > 0) result.host.parked_cpu = cpu_used(parked, cpu) / wall;
  return result;
}

}  // namespace batchtune

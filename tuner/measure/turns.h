// Handing the turn round: one worker runs its share of a round while all others are parked, and the
// kernel's counters are read before and after.
#pragma once

#include <vector>

#include "tuner/core/error.h"
#include "tuner/measure/racing_worker.h"

namespace batchtune {

// A worker's turn in a round.
struct Turn {
  RacingWorker* worker = nullptr;
  std::vector<protocol::PlannedVisit> share;
  TrialId anchor = 0;  // RacingWorker::visit()
};

struct TurnResult {
  ShareResult share;
  HostState host;  // of the whole turn
};

// `parked`: the other workers of the session. `watch`: read the host's state (else it is empty).
Result<TurnResult> take_turn(Turn turn, const std::vector<RacingWorker*>& parked, bool watch);

}  // namespace batchtune

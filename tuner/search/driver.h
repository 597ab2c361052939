// The loop between strategy and measurer: ask, measure, hand the observation out to be stored,
// tell.
#pragma once

#include <atomic>
#include <functional>
#include <span>

#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/measure/measurer.h"
#include "tuner/search/strategy.h"

namespace batchtune {

struct DriverHooks {
  // Called with each new observation before the strategy is told, while the workers are parked; an
  // error (a full disk) ends the run.
  std::function<Status(const Observation&)> store;
  std::function<void(const Ask&, std::span<const Observation>)> progress;  // may be empty
  const std::atomic<bool>* interrupted =
      nullptr;  // set by a signal: ends after the current observation
};

struct DriverEnd {
  SessionEnd end = SessionEnd::converged;
  std::string reason;
};

// Tells `record.observations` (of an interrupted session) again first, then goes on; new
// observations are appended to the record, and its anchor is set when the strategy fixes one.
Result<DriverEnd> drive(Strategy& strategy, Measurer& measurer, SessionRecord& record,
                        const DriverHooks& hooks);

}  // namespace batchtune

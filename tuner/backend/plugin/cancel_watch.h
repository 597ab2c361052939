// Whoever watches a worker and gives it up asks it to end (SIGTERM) a moment before it kills it: a run of a plugin that is
// in progress is cancelled then, so that a device is not left computing for nobody.
#pragma once

#include "tuner/backend/plugin/cancellable.h"

namespace batchtune::plugin {

// From now on SIGTERM cancels the run in progress, waits a second for it to return, and ends the process as it always
// does. Before the plugin starts threads: they inherit that the signal is not theirs. Once in a process; again is nothing.
void watch_for_the_end();

// A run() in progress, from its making to its end; one at a time.
class CancellableRun {
 public:
  explicit CancellableRun(Cancellable& program);  // without a cancel(): nothing
  ~CancellableRun();
  CancellableRun(const CancellableRun&) = delete;
  CancellableRun& operator=(const CancellableRun&) = delete;
};

}  // namespace batchtune::plugin

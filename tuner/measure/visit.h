// Visits: a few consecutive runs of one program each, all visits of a share in one Google Benchmark
// call, with manual time. The harness times no run itself: the samples are the programs' own
// durations, kept one by one. Trap: whatever is done between visits cools caches and wakes threads,
// so nothing is done there but what the hooks do. Several instances in flight must not wait for
// each other after every run: they make many runs in one call, as many as fit some milliseconds.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tuner/backend/backend.h"

namespace batchtune {

struct VisitPlan {
  Program* program = nullptr;
  int warm = 0;       // >= 0
  int timed = 1;      // >= 1
  int instances = 1;  // of the program
};

struct VisitRuns {
  Ending ending;
  std::vector<std::vector<Seconds>> instances;  // warm + timed durations of each; empty unless ok
  // From the last run of the visit before to the first one of this; nullopt for the first visit.
  std::optional<Seconds> gap;
  Seconds extra = 0;  // Program::take_extra()
};

// Called around the runs of visit number `visit` (from 0), outside of what is timed.
class VisitHooks {
 public:
  virtual ~VisitHooks() = default;
  virtual void before(std::size_t visit) = 0;
  virtual void before_timed(
      std::size_t visit) = 0;    // after the warm runs: some nanoseconds, please
  virtual void after_run() = 0;  // likewise; with several instances, after some runs
  virtual void after(std::size_t visit) = 0;
};

// One result for each plan; a visit that ended otherwise than ok does not stop the next. Exceptions
// of a program become Endings. Not reentrant: Google Benchmark's registry is global.
std::vector<VisitRuns> run_visits(std::span<const VisitPlan> plans, VisitHooks& hooks);

// ok, or failed: no duration of a run, or one that is none (not finite, below 0).
Ending check_durations(const RunTimes& times);

// Calls `work` and turns what it throws into an Ending: bad_alloc, and a system_error for want of
// memory or of a thread, is out_of_memory; anything else failed (oneTBB's own error for a thread
// that it cannot start is one of those).
Ending ending_of_exceptions(const std::function<void()>& work);

}  // namespace batchtune

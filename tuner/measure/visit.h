// One visit: a few consecutive runs of one program, as one Google Benchmark call with manual time.
// The harness times nothing itself: the samples are the program's own durations, kept one by one.
#pragma once

#include <functional>
#include <vector>

#include "tuner/backend/backend.h"

namespace batchtune {

// `warm` >= 0 and `timed` >= 1 runs of one batch; result[i] has the warm + timed durations of
// instance i. `after_run` is called between runs (a sign of life), outside what is timed.
// Exceptions of the program become Endings. Not reentrant: Google Benchmark's registry is global.
Outcome<std::vector<std::vector<Seconds>>> run_visit(Program& program, int warm, int timed,
                                                     const std::function<void()>& after_run);

// Calls `work` and turns what it throws into an Ending: bad_alloc, and a system_error for want of
// memory or of a thread, is out_of_memory; anything else failed (oneTBB's own error for a thread
// that it cannot start is one of those).
Ending ending_of_exceptions(const std::function<void()>& work);

}  // namespace batchtune

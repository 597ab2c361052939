// Some seconds of canary bursts on every CPU, and now and then the reference programs on one CPU
// and on all: whether the machine is quiet, at which speeds it runs, whether its CPUs share cores.
#pragma once

#include <vector>

#include "reports/doctor_report.h"
#include "tuner/core/error.h"
#include "tuner/measure/canary.h"
#include "tuner/measure/host_state.h"

namespace batchtune {

// What a look has seen, before it is judged.
struct LookReadings {
  int cpus = 0;
  Seconds seconds = 0;  // that it took
  std::vector<CanaryReading> bursts;
  // Seconds of the reference program "compute", whose work is the same on each CPU. Empty where
  // there is none (a CPU without AVX2).
  std::vector<Seconds> on_one, on_all;
  HostCounters before, after;
};

// For `seconds` (at least one burst), on all CPUs that this process may use. An Error: this machine lets no thread be pinned.
Result<LookReadings> take_look(Seconds seconds);

// `known`: quiet levels of earlier sessions, if any; a machine that is disturbed all the time looks
// quiet without them.
MachineLook judge_look(const LookReadings& readings, const QuietLevels& known);

// What of it disturbs measuring, with advice; nothing for what is as it should be.
std::vector<Finding> look_findings(const MachineLook& look, int cpus);

}  // namespace batchtune

// A memory probe: one candidate alone in a fresh process, prepared, touched and run once, or for
// the seconds of a soak, under a limit. The racing worker cannot tell this: its peak is
// everybody's.
#pragma once

#include <cstdint>
#include <string>

#include "tuner/core/error.h"
#include "tuner/measure/limiter.h"
#include "tuner/measure/memory_readings.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune {

struct SoloOptions {
  std::uint64_t seed = 1;
  Seconds timeout = 60;
  LimiterWish limiter = LimiterWish::automatic;
  std::string cgroup_root = "/sys/fs/cgroup";
  std::string proc_root = kProcRoot;
};

// `seconds` of the result are reported ones (load, prepare, run, soak), or real ones where the
// worker died. A process that was killed for no visible reason gets one more try, whose answer
// counts; `killed` and `seconds` then speak of both. An Error: no process, no backend, or the
// limiter that was asked for is not to be had.
Result<Probe> probe_alone(const MeasuredBackend& backend, const std::string& model_json,
                          const ProbeRequest& request, const SoloOptions& options);

// What a probe that ran to its end did beside the limit: out_of_memory when more than 1 % of its
// peak (and 1 MiB) went to swap, with a limit or without, or when it stayed resident above a limit
// that nothing enforced, or needed more of a device's own memory. Many major faults are evidence of
// an ok. An account decides by itself.
Ending judge_spill(const Probe& probe);

}  // namespace batchtune

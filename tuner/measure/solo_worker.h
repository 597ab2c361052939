// A memory probe: one candidate alone in a fresh process, prepared, touched and run once, under a
// limit. The racing worker cannot tell this: its peak is everybody's.
#pragma once

#include <optional>
#include <string>

#include "tuner/core/error.h"
#include "tuner/measure/limiter.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune {

// `seconds` of the result are reported ones (load, prepare, run), or real ones where the worker
// died.
Result<Probe> probe_alone(const MeasuredBackend& backend, const std::string& model_json,
                          const ProbeRequest& request, std::uint64_t seed, Seconds timeout);

}  // namespace batchtune

// Where the time of a run goes: one candidate alone in a fresh process, run as it is and then with
// the backend's profiling. Profiling slows runs, so none of this is a measured figure: both sums are
// told, and nothing of it is stored with a session.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune {

struct ProfileOptions {
  std::uint64_t seed = 1;
  Seconds timeout = 60;  // of one answer
  int runs = 9;          // of each kind; odd, so that a median is one of them
};

// In the parent. An Error: no process, or no backend. What is the candidate's own is in the ending.
Result<protocol::Profiled> profile_alone(const MeasuredBackend& backend,
                                         const std::string& model_json, const Candidate& candidate,
                                         const ProfileOptions& options);

// In the worker; `beat` is called after each run that is not profiled.
protocol::Profiled profile_program(Program& program, int runs, const std::function<void()>& beat);

}  // namespace batchtune

// What is in force in a session, each setting with where it comes from: "default", "--threads",
// "cgroup quota".
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/devices.h"
#include "tuner/cli/options.h"
#include "tuner/core/session.h"

namespace batchtune {

// In the order in which they are shown, from the header's estimates, wishes and strategy.
// `memory_origin`: of a memory limit that was not given.
std::vector<Setting> effective_settings(const TuningRequest& request,
                                        const std::vector<OpenDevice>& devices,
                                        const SessionHeader& header,
                                        const std::string& memory_origin);

// Limits and objective given now replace what the session was run with; the rest keeps its origin.
// `header.wishes` holds the result already.
void replace_wish_settings(SessionHeader& header, const TuningRequest& request);

}  // namespace batchtune

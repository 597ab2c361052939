// Objective and limits as settings in force, with where each comes from.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/session.h"

namespace batchtune {

// `memory_origin`: of a memory limit that was not given.
std::vector<Setting> wish_settings(const TuningRequest& request, const Wishes& wishes,
                                   const std::string& memory_origin);

// What is given now replaces what the session was run with; the rest keeps its origin.
// `header.wishes` holds the result already.
void replace_wish_settings(SessionHeader& header, const TuningRequest& request);

}  // namespace batchtune

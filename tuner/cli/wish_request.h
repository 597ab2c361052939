// What a user wishes of a deployment point: limits, objective and how exactly. From options as
// typed to values; wishes_of() (options.h) lays them over a session's own.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/limits.h"

namespace batchtune {

// Fills the wishes of the request.
Status parse_wishes(const TuningOptions& options, TuningRequest& request);

// What an objective needs is there (a throughput floor, a price for each of `backends`), and
// nothing was given that only another one heeds. `wishes` are in force.
Status check_wishes(const TuningRequest& request, const Wishes& wishes,
                    const std::vector<std::string>& backends);

}  // namespace batchtune

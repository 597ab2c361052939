// How a command's run ended, from its exit status and what it printed.
#pragma once

#include <string>
#include <vector>

#include "tuner/backend/command/child.h"
#include "tuner/backend/command/rules.h"
#include "tuner/core/observation.h"

namespace batchtune::command {

// Of a child that ended, and not well: by a signal, with an exit status other than 0, or (`missing`
// not empty) without what was wanted of it ("no latency in what it printed"). The first rule that
// applies to a line of its streams decides, then the signal or status.
Ending ending_of(const Child& child, const std::vector<Rule>& rules, const std::string& missing);

// Whether it ended with exit status 0.
bool ended_well(const Child& child);

}  // namespace batchtune::command

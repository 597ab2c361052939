// --equal-settings: what runtimes do differently by default is made the same where that can be set,
// and said where it cannot. Without it each runtime keeps its own defaults, which the session shows.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/value.h"

namespace batchtune {

// Adds the parameters that level them to the specs of backends. An error names one that was given
// otherwise.
Status level_backends(std::vector<std::string>& specs);

// What is levelled and how, and what cannot be, for the session: "equal.spinning"; none unless asked
// for. The values that came of it are read back from each backend when it has loaded the model.
std::vector<Setting> levelled_settings(const TuningRequest& request);

}  // namespace batchtune

// Where memory ended in earlier sessions, kept as notes (kind "ceiling") by device, model, group
// and limit: a new session verifies it instead of searching. Trap: a session's own settings hold
// the ceilings that it was started with, since the same ones must be told again when it is resumed.
#pragma once

#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// What notes about a group's device are kept by: the backend with its own parameters, since those
// can say how much memory it has, and the device's name.
std::string noted_device(const std::vector<std::string>& backends, const SessionHeader& header,
                         const CandidateGroup& group);

// What is known for the header's groups and memory limit: "ceiling.1" of the first group, ...
Result<std::vector<Setting>> known_ceilings(const Store& store,
                                            const std::vector<std::string>& backends,
                                            const SessionHeader& header);

// Those that stand in the header's settings.
std::vector<Ceiling> ceilings_of(const SessionHeader& header);

// Keeps the probed boundaries; one that is there already is replaced.
Status keep_ceilings(Store& store, const std::vector<std::string>& backends,
                     const SessionHeader& header, const std::vector<Boundary>& boundaries);

}  // namespace batchtune

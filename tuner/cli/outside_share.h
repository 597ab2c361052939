// How much of a session's wall time went to the tool itself. Inside are preparing (loading
// included), warm, timed and reference runs, canaries and whole memory probes. Outside is the rest:
// starting workers, their messages, parking, storing (a synced transaction each), deciding.
// A resumed session has none: the wall time of its stored part is not known.
#pragma once

#include <optional>
#include <span>

#include "tuner/core/observation.h"

namespace batchtune {

// `wall`: real seconds in which the observations were made; nullopt when there were none. Trap:
// meaningless where a backend's clock is not the real one.
std::optional<double> outside_share(std::span<const Observation> observations, Seconds wall);

}  // namespace batchtune

// One program under sustained load: what a deployment will do to it all day, for some seconds.
#pragma once

#include <functional>

#include "tuner/backend/backend.h"
#include "tuner/measure/protocol.h"

namespace batchtune {

// Runs it again and again until `seconds` of reported time are spent (at least one run). `beat` is
// called between runs; false ends the soak.
protocol::Soaked soak(Program& program, Seconds seconds, const std::function<bool()>& beat);

}  // namespace batchtune

// What two sessions differ in besides time, in words. Private to tuner/track.
#pragma once

#include <string>
#include <vector>

#include "tuner/core/session.h"

namespace batchtune {

// "threads: 2 -> 4": model, devices and their libraries, reference programs, effective settings,
// environment.
std::vector<std::string> differences_of(const SessionHeader& base, const SessionHeader& now);

}  // namespace batchtune

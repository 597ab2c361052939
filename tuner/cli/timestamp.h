// Names for moments and sessions.
#pragma once

#include <string>

namespace batchtune {

std::string utc_now();      // "2026-08-21T14:03:22Z"
std::string random_uuid();  // version 4, from the system's randomness

}  // namespace batchtune

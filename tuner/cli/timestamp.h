// Names for moments and sessions.
#pragma once

#include <ctime>
#include <optional>
#include <string>

namespace batchtune {

std::string utc_text(std::time_t moment);  // "2026-08-21T14:03:22Z": sorts by time
std::string utc_now();
std::optional<std::time_t> parse_utc(const std::string& text);  // of utc_text(); nullopt: no moment
std::string random_uuid();  // version 4, from the system's randomness

}  // namespace batchtune

// Values with units, as users write and read them: "2GiB", "20ms", "64T", "50GB/s".
// Inside the program everything is seconds, bytes, FLOP and plain numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/core/error.h"

namespace batchtune {

using Bytes = std::int64_t;
using Seconds = double;

// Each refuses a missing or unknown unit, a negative or non-finite number and trailing text;
// `where` goes into the error ("--memory-limit"). A bare number is accepted only where said.
Result<Bytes> parse_bytes(std::string_view text, std::string_view where);  // 512MiB 2GiB 2GB 4096B
Result<Seconds> parse_seconds(std::string_view text,
                              std::string_view where);  // 20ms 1.5s 60s 2m 100us
Result<double> parse_count(std::string_view text,
                           std::string_view where);                        // 302M 77.3G 64T or bare
Result<double> parse_rate(std::string_view text, std::string_view where);  // 50GB/s 46.5GiB/s
Result<double> parse_fraction(std::string_view text, std::string_view where);  // 1% or 0.01; 0..1

std::string format_bytes(double bytes);            // "1.50 GiB"
std::string format_seconds(Seconds seconds);       // "21.3 ms"
std::string format_count(double count);            // "77.3 G" (decimal prefixes, 3 digits)
std::string format_rate(double bytes_per_second);  // "25.6 GB/s"
std::string format_percent(double share);          // 0.123 -> "12 %", 0.0123 -> "1.2 %"
std::string format_number(double value, int significant_digits);  // "412", "0.0213"

}  // namespace batchtune

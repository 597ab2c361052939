// What a program prints, read as latencies. Three forms: a number a line ("0.0123", "12.3 ms"),
// JSON lines ({"latency": 0.0123}, {"latencies": [0.012, 0.013]}, in seconds), or one Google
// Benchmark document. Lines of other forms are taken for logs and left out; what has one of these
// forms and is no latency is an error. The input may be any bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "tuner/core/units.h"

namespace batchtune::command {

// In their order; empty where nothing has one of the forms. Errors name the line.
tl::expected<std::vector<Seconds>, std::string> parse_latencies(std::string_view output);

// Of one JSON object with "latency" or "latencies"; empty where it has neither.
tl::expected<std::vector<Seconds>, std::string> latencies_in(const nlohmann::json& object);

}  // namespace batchtune::command

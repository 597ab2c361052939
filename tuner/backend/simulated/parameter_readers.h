// Readers of the values that parameters of the simulated devices take: each puts a text where it belongs, or says what
// was wanted of which parameter. Private to this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/simulated/parameters.h"

namespace batchtune::simulated {

using Reader = std::function<Status(std::string_view text, const std::string& name)>;

Reader bytes(Bytes& value);          // with a unit
Reader rate(double& value);          // above 0
Reader seconds(Seconds& value);      // bare numbers are seconds
Reader duration(Seconds& value);     // the same above 0
Reader some_seconds(std::optional<Seconds>& value);
Reader count(std::int64_t& value);   // at least 1
Reader count_to(int most, const char* unit, int& value);  // the same up to `most`
Reader counts(std::vector<std::int64_t>& value);  // 1+4+8
Reader fraction(double& value);      // 1% or 0.01; 0 to 1
Reader factor(double& value);        // at least 1
Reader trigger(Trigger& value);      // BATCH or BATCH@RUN
Reader slow_batch(Slow& value);      // BATCH@FACTOR
Reader words(std::string& value);    // anything but nothing

}  // namespace batchtune::simulated

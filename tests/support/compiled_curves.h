// Made-up recorded tables of one core of a Trainium chip, whose programs take a compiler four minutes
// each: latency from published figures of the core, a formula and parameters drawn for each table,
// none of it measured on a device. The estimate's roofline knows peak and bandwidth alone.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tuner/core/table.h"

namespace batchtune {

inline constexpr Seconds kCompileSeconds = 240;

// Shapes of models: how much work, weights and activations a sample has.
std::vector<std::string_view> compiled_models();

// One table named "model#seed"; batches 1 to 64, above eight a doubling up to 1024.
std::vector<RecordedTable> compiled_table(std::string_view model, std::uint64_t seed);

}  // namespace batchtune

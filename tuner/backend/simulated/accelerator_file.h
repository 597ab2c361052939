// Descriptions of accelerators to simulate (JSON): a built-in one with what differs from it. The format is
// accelerator.schema.json beside this file.
#pragma once

#include <string>
#include <string_view>

#include "tuner/backend/simulated/accelerator.h"
#include "tuner/core/error.h"

namespace batchtune::simulated {

// Errors name the file with line and column (broken JSON) or the JSON path, and what was expected there. Unknown and
// repeated members are errors, so that a misspelt one is noticed.
Result<Accelerator> parse_accelerator(std::string_view json, std::string_view file_name);
Result<Accelerator> read_accelerator_file(const std::string& path);

// Every figure; what the parser reads back as an equal device.
std::string write_accelerator(const Accelerator& device);

}  // namespace batchtune::simulated

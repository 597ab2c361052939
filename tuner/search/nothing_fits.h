// Why no candidate of a backend keeps the limits, and what would help. Private to tuner/search.
#pragma once

#include <string>

#include "tuner/core/trial.h"
#include "tuner/search/facts.h"

namespace batchtune {

NothingFits why_nothing_fits(const Conclusion& conclusion, const SessionHeader& header,
                             const Facts& facts, const std::string& backend, const Wishes& wishes);

}  // namespace batchtune

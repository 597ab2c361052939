// What a verdict says of the mix of user batches that its compiled batch is to serve. Private to tuner/search.
#pragma once

#include <string>

#include "tuner/core/trial.h"
#include "tuner/search/facts.h"

namespace batchtune {

// "; 91 % of what it computes is of use: 1 in 1 run, 8 in 2, 12 in 3; ...": then whether it was run with these user
// batches, and which compiled batches that might be better were not measured. "" without a mix.
std::string words_of_mix(const Trial& chosen, const Conclusion& conclusion, const Facts& facts);

}  // namespace batchtune

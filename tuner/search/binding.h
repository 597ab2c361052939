// What keeps a choice from being another one, in words. Private to tuner/search.
#pragma once

#include <string>

#include "tuner/core/trial.h"
#include "tuner/search/facts.h"
#include "tuner/search/standing.h"

namespace batchtune {

// "batch 8"; of another group than the chosen trial's, the whole candidate.
std::string name_beside(const Candidate& candidate, const Trial& chosen);

// The condition that rules a trial out, with how it fails it, under the name that the caller gives
// the trial: "p99 <= 20.0 ms: batch 8 breaks it". Empty: nothing rules it out.
std::string exclusion_of(const Trial& trial, const std::string& name, const Facts& facts);

// Verdict::binding: the limit that rules out what would be chosen without any, else the end of
// memory just above, else the objective itself.
std::string binding_of(const Field& field, const Conclusion& conclusion, const Facts& facts,
                       const Wishes& wishes, const Alike& alike);

}  // namespace batchtune

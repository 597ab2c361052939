// What a session spent, and what a sweep of every batch would have cost. Private to tuner/search.
#pragma once

#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

// Needs the conclusion's measured trials.
Effort effort_of(const SessionRecord& record, const Conclusion& conclusion);

}  // namespace batchtune

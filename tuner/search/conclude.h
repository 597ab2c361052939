// From observations to trials, fronts, boundaries, verdicts and the best: a pure function, used
// while tuning, by `report` with other limits, and by `compare`.
#pragma once

#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

// `wishes` may differ from record.header.wishes: then everything is judged by the new ones.
Conclusion conclude(const SessionRecord& record, const Wishes& wishes);

}  // namespace batchtune

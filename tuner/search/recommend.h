// From measured trials to verdicts and the best. Private to tuner/search.
#pragma once

#include "tuner/core/session.h"
#include "tuner/core/trial.h"
#include "tuner/search/facts.h"

namespace batchtune {

// One verdict per backend, and the best of them: from trials whose limits are all kept, else from
// unproven ones with nothing over, else none.
void add_verdicts(Conclusion& conclusion, const SessionHeader& header, const Facts& facts,
                  const Wishes& wishes);

}  // namespace batchtune

// Who runs together in the round of the adaptive search that is worth most: the choice, and those
// whose visits take most of the doubt away for their time. Private to tuner/search.
#pragma once

#include <vector>

#include "tuner/search/contest.h"
#include "tuner/search/ledger.h"

namespace batchtune {

struct Together {
  std::vector<TrialId> trials;  // without the anchor, which is in every round
  double gain = 0;              // expected loss that kFirstVisits such rounds take away, relative
  Seconds seconds = 0;          // of one round
};

// `beside`: seconds of a round besides its contenders. REQUIRES: the contest has a choice.
Together most_together(const Ledger& ledger, const Contest& contest, Seconds beside);

}  // namespace batchtune

// Two sessions held against each other. Levels of a machine wander by 10 % and more from hour to
// hour; the ratio to a reference program that ran in the same rounds does not. So pairs are judged
// through the reference where both sessions have the same one, and stay inconclusive where they do
// not.
#pragma once

#include "tuner/core/comparison.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

inline constexpr double kDefaultThreshold =
    0.03;  // a smaller change is not worth an alarm between sessions

// One session with what was concluded from it.
struct Compared {
  const SessionRecord& record;
  const Conclusion& conclusion;
};

// slower: the ratio is above 1 + threshold and above 1 with 99.9 % confidence, however many pairs
// there are (faster: the other way round). same: changes beyond the threshold are excluded with 95
// %. inconclusive, with the reason: neither, or a session was too disturbed. Pairs by ascending
// group and batch. Memory-bound programs are claimed to have changed only beyond what the memory's
// rate differs by between sessions. A candidate that was ok and is crashed, out of memory, wrong or
// failed now is a difference and a regression. The sessions may have chosen different anchors.
Comparison compare(const Compared& base, const Compared& now, double threshold = kDefaultThreshold);

}  // namespace batchtune

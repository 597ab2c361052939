// What rounds have shown of each candidate, as values with errors for the model of the curve.
// Private to tuner/search.
#pragma once

#include <span>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/statistics/rounds.h"

namespace batchtune {

struct Look {
  TrialId trial = 0;
  Candidate candidate;
  double log_rate = 0;     // log of samples/s of all instances, at the undisturbed level
  double error = 0;        // standard deviation of log_rate beside what all looks share
  double visit_error = 0;  // of a single visit's
  bool hole = false;       // slower than its neighbours: may be so by itself (curve.h)
};

// Of those that were in a round with the anchor.
// A visit's own error is half of the variance of its paired log ratio, the other half being the
// anchor's; a candidate that was in few of the anchor's rounds has the anchor's error of those
// besides. Few rounds say little of a variance, so each candidate's is drawn towards the session's.
struct Seen {
  TrialId trial = 0;
  Candidate candidate;
  double rate = 0;  // samples/s at the undisturbed level; > 0
};
std::vector<Look> looks_of(std::span<const RoundMedians> rounds, TrialId anchor,
                           std::span<const Seen> seen);

inline constexpr double kUsualVisitError = 0.04;  // before there are rounds: a shared machine's

}  // namespace batchtune

// How often comparisons of synthetic sessions claim a change, rightly or wrongly. The unit test
// takes few pairs of sessions, the program study_comparisons many.
#pragma once

#include <cstdint>

#include "tests/statistics/synthetic.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune::synthetic {

struct Session {
  SessionRecord record;
  Conclusion conclusion;
};

struct SessionPlan {
  simulated::NoiseParameters noise;
  double seen = 0.7;   // share of the disturbances that canaries see
  int rounds = 20;     // of about 0.5 s
  double change = 1;   // of all programs but the reference
  double own = 0.004;  // programs differ by so much between sessions for no reason
  TrialId anchor = 1;
};
// Three candidates and the cache reference. The machine's speed of the hour varies by 5 %; the
// programs suffer from disturbances by their own exponents (0.8 to 1.2).
Session session_of(const SessionPlan& plan, std::uint64_t seed);

struct CompareFinding {
  double claimed = 0;       // share of the pairs of sessions with any program called changed
  double found = 0;         // share of the programs that are called slower
  double inconclusive = 0;  // share of the programs that are not judged
};
CompareFinding compare_study(const SessionPlan& base, const SessionPlan& now, int pairs,
                             std::uint64_t seed);

}  // namespace batchtune::synthetic

// How estimators do on synthetic sessions: bias, coverage of nominal 95 % intervals, width; and how
// often promises are kept or broken by mistake. The unit test takes few sessions of each, the
// program study_intervals many.
#pragma once

#include <cstdint>

#include "tests/statistics/synthetic.h"
#include "tuner/core/limits.h"

namespace batchtune::synthetic {

// What a session is like besides its noise.
struct Setting {
  int rounds = 20;
  double seen = 0;         // share of the disturbed visits that canaries see
  double sensitivity = 1;  // of the trial to the noise, as an exponent; the anchor's is 1
};

// Of all sessions: means of the relative error and of the relative half width, share of the
// intervals with the truth inside.
struct Finding {
  double bias = 0, coverage = 0, half_width = 0;
};
// Against the ratio of the undisturbed times that the generator was given.
struct RatioFinding : Finding {
  double only_quiet = 0;  // share of the sessions in which quiet rounds alone were used
};
RatioFinding ratio_study(const NoiseKind& kind, const Setting& setting, int sessions,
                         std::uint64_t seed);
// Against the undisturbed time that the generator was given.
struct LevelFinding : Finding {
  double own_coverage = 0;  // of the estimator's own mean over many sessions: its scatter alone
};
LevelFinding level_study(const NoiseKind& kind, const Setting& setting, int sessions,
                         std::uint64_t seed);

// Promises judged in sessions of `session` seconds with a visit of three timed 10-ms runs every
// `gap`.
struct PromisePlan {
  LatencyMetric metric = LatencyMetric::p99;
  Seconds session = 60, gap = 0.5;
  double slack = 1;  // the limit over the machine's true long-run percentile
};
struct PromiseFinding {
  double kept = 0, broken = 0;  // shares of the sessions
  double samples = 0;           // effective, mean
};
Seconds long_run_percentile(const NoiseKind& kind, LatencyMetric metric);
PromiseFinding promises_of(const NoiseKind& kind, const PromisePlan& plan, Seconds percentile,
                           int sessions, std::uint64_t seed);

}  // namespace batchtune::synthetic

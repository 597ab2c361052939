// Percentile promises: what proving one costs, and how to take the samples. The judging itself is
// statistics/promise.h. Pure functions.
#pragma once

#include <span>
#include <string>

#include "tuner/core/limits.h"
#include "tuner/search/strategy.h"
#include "tuner/statistics/promise.h"

namespace batchtune {

inline constexpr int kWarmRuns = 1;  // of a proof's visit

// Of proving the most demanding of the limits for one candidate, with no run over it.
struct ProofCost {
  int samples = 0;      // independent ones; 0: there are no limits
  Seconds seconds = 0;  // of racing: its runs, warm ones, and the anchor and references beside them
  std::string words;    // "p99 at 99 % needs >= 459 samples, about 3 min"
};

// `run`: seconds of one run; `others`: what the rest of each round takes.
ProofCost proof_cost(std::span<const LatencyLimit> limits, Seconds run, Seconds others);

// Before the session, for its likely candidate: the seed of the first group, which is no slower
// than the tightest limit if it keeps it.
ProofCost proof_cost(const Problem& problem);

// Timed runs of one visit that give most independent samples for their time: many where runs of a
// visit tell different things or the rest of the round is expensive, few where they agree.
// `correlation` of the runs of a visit, 0 to 1.
int proof_runs(double correlation, Seconds run, Seconds others);

// Judged on the visits up to the last spaced look (stop_rule.h says why), as a strategy does;
// `runs` and `over` are of all visits. Without a look yet: on all of them.
LimitVerdict judge_at_look(const LatencyLimit& limit, std::span<const VisitSamples> visits);
// The runs of a visit after that look: counted, not judged (but for `max`).
void add_visit(LimitVerdict& verdict, const VisitSamples& visit);

// "p99 <= 20.0 ms is unproven: 120 runs, 0 over, confidence 70 %"
std::string words_of(const LimitVerdict& verdict);

// Broken, or more runs are over the limit than it allows: such a trial is never called the best.
bool looks_broken(const LimitVerdict& verdict);

// Correlation of the runs of a visit, from what a verdict's runs were worth.
double visit_correlation(const LimitVerdict& verdict, int visits);

// What a round costs besides a candidate: the anchor, whose run takes so long, and the references.
Seconds seconds_beside(Seconds anchor_run);

}  // namespace batchtune

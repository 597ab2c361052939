// Two sessions held against each other. Computed by tuner/track; shown by reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/trial.h"

namespace batchtune {

enum class PairVerdict { same, slower, faster, inconclusive };
constexpr std::string_view name_of(PairVerdict verdict) {
  switch (verdict) {
    case PairVerdict::same:
      return "same";
    case PairVerdict::slower:
      return "slower";
    case PairVerdict::faster:
      return "faster";
    case PairVerdict::inconclusive:
      return "inconclusive";
  }
  return "?";
}

// One candidate that both sessions measured.
struct ComparedPair {
  Candidate candidate;
  std::string metric;        // "latency": undisturbed, of one batch
  double base = 0, now = 0;  // the two figures, in the metric's unit
  double ratio = 1;          // now / base; see Comparison::by_reference
  std::optional<Interval> ci95;
  PairVerdict verdict = PairVerdict::inconclusive;
  std::string reason;  // why it is inconclusive, in words; else empty
};

struct Comparison {
  bool comparable = true;                // false: no pair can be judged; `differences` says why
  std::vector<std::string> differences;  // between environments and settings: "threads: 2 -> 4";
                                         // and of endings: "cpu, batch 8: ok -> crashed"
  double threshold = 0;                  // a ratio above 1 + threshold is slower
  bool by_reference = false;  // ratios have the host's speed taken out by the reference programs
  std::vector<ComparedPair> pairs;
  std::optional<std::int64_t> base_batch, new_batch;        // recommended; absent: none
  std::optional<CandidateGroup> base_group, new_group;      // of these
  bool moved = false;                                       // another batch or another group
  std::optional<std::int64_t> base_boundary, new_boundary;  // largest that fits
  bool shrank = false;
  // A candidate that was ok in the base session crashed, ran out of memory (of the same limit),
  // gave a wrong result or failed in the new one.
  bool broke = false;
  // Of each session's visits, the share with quiet canaries; absent: none were judged.
  std::optional<double> base_quiet_share, new_quiet_share;
};

enum class ComparisonOutcome { no_regression, regression, inconclusive };

// A regression: something became slower, broke, or less fits under the same memory limit.
// Inconclusive: no pair could be judged.
inline ComparisonOutcome outcome_of(const Comparison& comparison) {
  bool slower = false, judged = false;
  for (const ComparedPair& pair : comparison.pairs) {
    slower |= pair.verdict == PairVerdict::slower;
    judged |= pair.verdict != PairVerdict::inconclusive;
  }
  if (slower || comparison.shrank || comparison.broke) return ComparisonOutcome::regression;
  return judged ? ComparisonOutcome::no_regression : ComparisonOutcome::inconclusive;
}

}  // namespace batchtune

// What "measured" means (DESIGN section 7), in one place: a better location or interval replaces it
// here.
//   ratio(c)            = exp(median over shared rounds of log(c's visit median / anchor's visit
//   median)) undisturbed(anchor) = 10th percentile of the anchor's visit medians undisturbed(c) =
//   undisturbed(anchor) x ratio(c)
// Visits of one round share the machine's disturbance of the moment, so the ratio survives it;
// levels of candidates measured one after the other do not. Warm runs never count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/core/trial.h"

namespace batchtune {

struct Subject {
  TrialId trial = 0;
  std::int64_t batch = 1;
  int instances = 1;
};

// Visit medians of one round: all timed samples of a trial (or reference program) in it, all
// instances.
struct VisitMedian {
  TrialId trial = 0;
  std::string reference;
  Seconds median = 0;
  bool disturbed = false;  // a canary beside one of its visits was slow
};
using RoundMedians = std::vector<VisitMedian>;
RoundMedians visit_medians(const Round& round);

struct Level {
  Seconds undisturbed = 0;      // latency of one batch
  std::optional<double> ratio;  // of latencies, to the anchor; absent when they shared no round
};

// Level of one trial over the picked rounds (indices, repetitions allowed). A trial that shared no
// round with the anchor, or a session without one (anchor 0), gets the 10th percentile of its own
// visit medians. nullopt: not visited in any of them.
std::optional<Level> level_of(std::span<const RoundMedians> rounds, std::span<const int> picked,
                              TrialId anchor, TrialId trial);

// 10th percentile of a reference program's visit medians; nullopt: not visited.
std::optional<Seconds> reference_level(std::span<const RoundMedians> rounds,
                                       std::span<const int> picked, std::string_view reference);

// Ratio of latencies to the anchor with the order-statistic interval of the median over shared
// rounds.
struct PairedRatio {
  double ratio = 1;
  std::optional<Interval> ci95;  // absent below 6 shared rounds
  int shared = 0;                // rounds; 0: there is no ratio
};
PairedRatio paired_ratio(std::span<const RoundMedians> rounds, TrialId anchor, TrialId trial);

// All that is known of each subject that has a timed sample. ratio_to_anchor and its interval are
// of seconds per sample; 1 without interval when there is no anchor. The interval of `undisturbed`
// comes from resampling rounds and is absent below 6 of them.
std::map<TrialId, Measurement> levels(std::span<const Round* const> rounds, TrialId anchor,
                                      std::span<const Subject> subjects);

// The timed samples of one trial in the order of the rounds, all instances.
std::vector<Seconds> timed_samples(std::span<const Round* const> rounds, TrialId trial);

}  // namespace batchtune

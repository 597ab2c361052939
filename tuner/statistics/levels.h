// What "measured" means (DESIGN section 7), in one place: a better location or interval replaces it
// here and in rounds.h.
//   ratio(c)            = exp(midmean over shared rounds of log(c's visit median / anchor's))
//   undisturbed(anchor) = 10th percentile of the anchor's visit medians
//   undisturbed(c)      = undisturbed(anchor) x ratio(c)
// over quiet rounds where there are enough of them. As seen: over all samples, disturbed ones too.
// Warm runs never count.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/core/trial.h"
#include "tuner/statistics/rounds.h"

namespace batchtune {

struct Subject {
  TrialId trial = 0;
  std::int64_t batch = 1;
  int instances = 1;
};

// All that is known of each subject that has a timed sample. ratio_to_anchor and its interval are
// of seconds per sample; 1 without interval when there is no anchor. The interval of `undisturbed`
// is level_interval (rounds.h): of what this session met. visits and quiet_visits count rounds.
std::map<TrialId, Measurement> levels(std::span<const Round* const> rounds, TrialId anchor,
                                      std::span<const Subject> subjects);

// The timed samples of one trial in the order of the rounds, all instances.
std::vector<Seconds> timed_samples(std::span<const Round* const> rounds, TrialId trial);

}  // namespace batchtune

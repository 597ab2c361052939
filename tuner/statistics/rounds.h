// What rounds say of a trial, read once: medians of visits, paired ratios, undisturbed levels.
// Visits of one round share the machine's disturbance of the moment, so a ratio within rounds
// survives it; levels of candidates measured one after the other do not.
//
// Quiet rounds are preferred: where at least kFewestQuiet rounds, and kQuietShare of all that could
// be used, have nothing disturbed beside the visits in question, the others are left out. With
// fewer the machine's usual state is the disturbed one, and all rounds are used.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/core/trial.h"

namespace batchtune {

inline constexpr int kFewestQuiet = 8;          // the interval of fewer is too wide to be of use
inline constexpr double kQuietShare = 1.0 / 3;  // leaving out more costs more than noise does

std::span<const Seconds> timed_of(const Visit& visit);  // its runs without the warm ones

// Median of the timed samples of a trial (or reference program) in one round. Of k instances, which
// may be unequally fast, the harmonic mean of their medians: k x batch / it is what they get
// through together.
struct VisitMedian {
  TrialId trial = 0;
  std::string reference;
  Seconds median = 0;
  bool disturbed = false;  // a canary beside one of its visits was slow
};
using RoundMedians = std::vector<VisitMedian>;
RoundMedians visit_medians(const Round& round);

// The visit of a trial, or of a reference program, in a round; nullptr: there is none.
const VisitMedian* find_visit(const RoundMedians& round, TrialId trial);
const VisitMedian* find_visit(const RoundMedians& round, std::string_view reference);

// A figure by round, in the order of time; nullopt where the round has none, or is left out for
// being disturbed.
struct RoundSeries {
  std::vector<std::optional<double>> values;
  int present = 0;          // rounds that have one
  int quiet = 0;            // of these, quiet ones
  bool only_quiet = false;  // the others are left out

  std::vector<double> all() const;
  std::vector<double> at(std::span<const int> picked) const;  // repetitions allowed
};
RoundSeries level_series(std::span<const RoundMedians> rounds, TrialId trial);  // seconds
RoundSeries level_series(std::span<const RoundMedians> rounds, std::string_view reference);
// log(trial's median / base's median), where a round has both.
RoundSeries log_ratio_series(std::span<const RoundMedians> rounds, TrialId base, TrialId trial);
RoundSeries log_ratio_series(std::span<const RoundMedians> rounds, std::string_view reference,
                             TrialId trial);
RoundSeries log_ratio_series(std::span<const RoundMedians> rounds, std::string_view reference,
                             std::string_view other);

// 10th percentile: low enough to leave disturbed visits behind, high enough not to hang on one
// lucky visit. On shared machines it is five times steadier than the median. nullopt: no values.
std::optional<Seconds> undisturbed_of(std::span<const double> medians);

struct Level {
  Seconds undisturbed = 0;      // latency of one batch
  std::optional<double> ratio;  // of latencies, to the anchor; absent when they shared no round
};

// undisturbed(anchor) x ratio. A trial that shared no round with the anchor, or a session without
// one (anchor 0), gets the undisturbed level of its own visits. Read once, asked for many times.
class Leveller {
 public:
  Leveller(std::span<const RoundMedians> rounds, TrialId anchor, TrialId trial);
  // Over the picked rounds (indices, repetitions allowed); nullopt: visited in none of them.
  std::optional<Level> at(std::span<const int> picked) const;

 private:
  bool is_anchor_;
  RoundSeries own_, anchor_, log_ratios_;
};

// Leveller(rounds, anchor, trial).at(picked)
std::optional<Level> level_of(std::span<const RoundMedians> rounds, std::span<const int> picked,
                              TrialId anchor, TrialId trial);

// Neighbouring rounds to be resampled together, by the levels of a program that was in most of
// `rounds` of them: their integrated autocorrelation time, at most a quarter of the rounds.
int rounds_together(std::span<const double> levels, int rounds);

// 95 % interval of that level over all rounds: of what this session met, not of the machine, which
// may wander for longer than a session. Rounds are resampled in blocks as long as the anchor's (or,
// without one, the trial's own) levels hang together. nullopt: it was visited in fewer than
// kFewestRounds rounds.
std::optional<Interval> level_interval(std::span<const RoundMedians> rounds, TrialId anchor,
                                       TrialId trial);

// Undisturbed level of a reference program; nullopt: not visited.
std::optional<Seconds> reference_level(std::span<const RoundMedians> rounds,
                                       std::span<const int> picked, std::string_view reference);

// Ratio of the latencies of two trials over the rounds that they share: exp(midmean of the log
// ratios) with its 95 % interval. Either may be the anchor, or neither.
struct PairedRatio {
  double ratio = 1;
  std::optional<Interval> ci95;  // absent below 6 used rounds
  int shared = 0;                // rounds; 0: there is no ratio
  int used = 0;                  // of these: all, or the quiet ones alone
};
PairedRatio paired_ratio(std::span<const RoundMedians> rounds, TrialId base, TrialId trial);

}  // namespace batchtune

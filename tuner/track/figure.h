// What one session says of one program, in units of the reference program that ran in the same
// rounds, and whether it can be believed. Private to tuner/track.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/statistics/rounds.h"
#include "tuner/track/compare.h"

namespace batchtune {

// The cache-resident loop: its undisturbed level follows the machine's best of all (a DRAM loop is
// bad).
inline constexpr const char* kReference = "cache";

// A program that ran in most rounds, against the reference: log ratios, less their midmean.
struct Regular {
  TrialId trial = 0;  // 0: another reference program
  std::vector<std::optional<double>> off;
};

// The rounds of one session, read once.
struct Side {
  std::string name;  // "the base session"
  std::vector<RoundMedians> rounds;
  std::vector<std::vector<int>> resampled;  // empty below kFewestRounds rounds
  TrialId anchor = 0;
  const Conclusion* conclusion = nullptr;
  std::optional<Seconds> reference;  // its undisturbed level; nullopt: it never ran
  std::vector<Regular> regulars;
  std::optional<double> control;  // log of the other reference program over it, undisturbed
};
Side side_of(const Compared& compared, std::string name, std::uint64_t seed);

// A standard error with the freedom of its Student's t.
struct StandardError {
  double size = 0;
  int freedom = 1;
};

struct Figure {
  double log = 0;  // of the latency over the reference's, by rounds (by level: seconds)
  std::vector<StandardError> errors;  // independent parts; empty: too few rounds
  double by_level = 0;  // the same by levels: undisturbed over the reference's undisturbed
  double level_error = 0;
  std::string doubt;  // why it cannot be believed, in words; else empty
};
// Relative to the reference, or, where not `relative`, the level alone. nullopt: it did not run, or
// never together with the reference.
std::optional<Figure> figure_of(const Side& side, TrialId trial, bool relative);

}  // namespace batchtune

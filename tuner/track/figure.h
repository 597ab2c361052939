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

// The rounds of one session, read once.
struct Side {
  std::string name;  // "the base session"
  std::vector<RoundMedians> rounds;
  std::vector<std::vector<int>> resampled;  // empty below kFewestRounds rounds
  TrialId anchor = 0;
  const Conclusion* conclusion = nullptr;
  std::optional<Seconds> reference;  // its undisturbed level; nullopt: it never ran
};
Side side_of(const Compared& compared, std::string name, std::uint64_t seed);

// Logs of latencies: relative to the reference's, or in seconds where it is not `relative`.
struct Logs {
  double by_level = 0;  // undisturbed over the reference's undisturbed
  double by_round = 0;  // midmean over the rounds that both ran in

  double mixed(double level_share) const {
    return level_share * by_level + (1 - level_share) * by_round;
  }
};
struct Figure {
  Logs logs;
  std::vector<Logs> replicates;  // of resampled rounds; empty: too few rounds
  double inflation = 1;          // of their variance: resampling takes rounds as independent
  double unequal = 0;            // standard error from a reference that wandered
  int freedom = 1;               // of Student's t
  std::string doubt;             // why it cannot be believed, in words; else empty
};
// nullopt: it did not run, or never together with the reference.
std::optional<Figure> figure_of(const Side& side, TrialId trial, bool relative);

}  // namespace batchtune

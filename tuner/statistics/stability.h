// Whether a trial's figure can be trusted, in words: how long it was measured, how narrow its ratio
// to the anchor is, and whether the session's beginning and end agree on it. Not whether it is
// good: a wide interval far from the best still loses.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "tuner/statistics/rounds.h"

namespace batchtune {

// An interval this many times wider than the precision asked for is no figure: 5 % for the default
// of 1 %, as much as neighbouring batches differ by.
inline constexpr double kLoosestPrecision = 5;

// nullopt: its figure can be trusted. `precision`: relative half width asked for
// (Wishes::precision). The anchor, and a trial that never met it, are judged by their own level.
std::optional<std::string> unstable_reason(std::span<const RoundMedians> rounds, TrialId anchor,
                                           TrialId trial, double precision);

// By how much the first and the last third of log figures differ, in the order of time; nullopt
// when that is within `precision` twice over or within their noise (three standard errors, more of
// few rounds; steady ratios are said to drift in fewer than 1 of 100 sessions), or when there are
// fewer than 9.
std::optional<double> drift_of(std::span<const double> logs, double precision);

}  // namespace batchtune

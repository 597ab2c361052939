// The recommended candidate of each backend, why, and how sure the choice is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/limits.h"
#include "tuner/core/trial.h"

namespace batchtune {

// What a choice is made from. Throughput comes from ratios to the anchor, so a disturbance that a
// round shares moves every choice alike.
struct Choice {
  TrialId trial = 0;
  std::int64_t batch = 1;
  Seconds latency = 0;
  double throughput = 0;
  std::string backend = {};  // for its price
  int instances = 1;         // the smaller of two choices has fewer samples in flight: batch x this
  double useful = 1;         // share of its samples that throughput is of: with a mix, those of users
};

// Index of the recommended one, by the objective:
//   throughput  the best throughput
//   cost        the best throughput for its price; without any price the best throughput, and one
//               without a price is never preferred to one with it
//   knee        the smallest one within give_up of the best throughput
//   latency     the lowest latency of those with the wished throughput
// Equal ones: the smaller, then the higher throughput, the lower latency, the lower trial: the
// order of `choices` never matters. nullopt: empty, or none has the wished throughput.
std::optional<std::size_t> choose(std::span<const Choice> choices, const Wishes& wishes);

// Whether what was measured cannot tell these two apart, `best` being the better one (alike.h).
using Alike = std::function<bool(const Choice& best, const Choice& other)>;

// As choose(); but by throughput or cost the smallest of the best one and those that cannot be told
// apart from it. Each is held against the best alone, never against the next one, so that a long
// row of small steps cannot lead far away.
std::optional<std::size_t> choose(std::span<const Choice> choices, const Wishes& wishes,
                                  const Alike& alike);

// Whether `a` is to be preferred to `b` where each is the choice of a backend of its own: by the
// objective, by the knee the higher throughput.
bool is_better(const Choice& a, const Choice& b, const Wishes& wishes);

// By the objective, what `chosen` loses against the best of `choices`, relative: 0 where it is what
// choose() picks or is worth as much. throughput, cost: 1 - worth / best worth. latency: latency /
// lowest - 1. knee: throughput below the threshold, relative to it; else latency above the knee's,
// relative. Below the wished throughput, what it lacks of it; where nothing has it, of the best.
// (What replay, expected regret and the search's stopping mean by "worse".)
double regret_of(const Choice& chosen, std::span<const Choice> choices, const Wishes& wishes);

// "batch 4: 98 % of the best (16) at a quarter of the latency": by the figures of `choices`, which
// may be others than those that led to `chosen`.
std::string reason_for(const Choice& chosen, std::span<const Choice> choices, const Wishes& wishes);

// Of the choice, over resamplings of the measurements.
struct Stability {
  double same = 0;             // share in which the same one is chosen
  double expected_regret = 0;  // mean of what it loses to the best of each, by regret_of()
};
// `resampled`: of each resampling the rates of all choices, useful or not; a latency moves with them. Not
// empty.
Stability stability_of(std::size_t chosen, std::span<const Choice> choices,
                       std::span<const std::vector<double>> resampled, const Wishes& wishes,
                       const Alike& alike);

}  // namespace batchtune

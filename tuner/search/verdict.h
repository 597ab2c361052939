// The recommended candidate of each backend, why, and how sure the choice is.
#pragma once

#include <cstdint>
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
};

// Index of the recommended one: the best throughput, or the smallest batch within give_up of it.
// Equal ones: the smaller batch, then the higher throughput, then the first. nullopt: empty.
std::optional<std::size_t> choose(std::span<const Choice> choices, const Wishes& wishes);

// By the objective, what `chosen` loses against the best of `choices`, relative: 0 where it is what
// choose() picks or is worth as much. throughput, cost: 1 - worth / best worth. latency: latency /
// lowest - 1. knee: throughput below the threshold, relative to it; else latency above the knee's,
// relative. (What replay, expected regret and the search's stopping mean by "worse".)
double regret_of(const Choice& chosen, std::span<const Choice> choices, const Wishes& wishes);

// "batch 4: 98 % of the best (16) at a quarter of the latency".
std::string reason_for(const Choice& chosen, std::span<const Choice> choices, const Wishes& wishes);

// Share of resamplings (each: the throughputs of all choices) in which the same one is chosen.
double stability_of(std::size_t chosen, std::span<const Choice> choices,
                    std::span<const std::vector<double>> resampled, const Wishes& wishes);

}  // namespace batchtune

// What a round consists of: which contenders, how many runs each, in which order. Pure and seeded;
// it knows programs by number and cost only.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/measure/measurer.h"

namespace batchtune {

struct VisitLength {
  int warm = 0, timed = 1;

  int runs() const { return warm + timed; }
  bool operator==(const VisitLength&) const = default;
};

// From the duration of one run.
VisitLength visit_length(Seconds run);

// What one visit of a program costs, as far as is known.
struct PricedContender {
  TrialId trial = 0;
  double weight = 1;
  Seconds run = 0;  // of one run

  Seconds visit_seconds() const { return run * visit_length(run).runs(); }
};

using RoundRandom = std::mt19937_64;
RoundRandom round_random(std::uint64_t seed, std::uint64_t sequence);

// Contenders drawn by weight, without replacement, while they fit into `seconds` (those spent on
// anchor and references already taken off). At least one is drawn, if there is one, however long it
// takes: so where a run takes more than a second, anchor and candidate come in pairs.
std::vector<PricedContender> draw_contenders(const std::vector<PricedContender>& contenders,
                                             Seconds seconds, RoundRandom& random);

template <typename T>
void shuffle_in_place(std::vector<T>& items, RoundRandom& random) {
  for (std::size_t left = items.size(); left > 1; --left)
    std::swap(items[left - 1], items[random() % left]);  // bias below 2^-60 for such lengths
}

}  // namespace batchtune

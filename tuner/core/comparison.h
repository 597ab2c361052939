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
  double ratio = 1;  // now / base, host speed taken out where the reference programs allow it
  std::optional<Interval> ci95;
  PairVerdict verdict = PairVerdict::inconclusive;
};

struct Comparison {
  bool comparable = true;                // false: no pair can be judged; `differences` says why
  std::vector<std::string> differences;  // between environments and settings: "threads: 2 -> 4"
  double threshold = 0;                  // a ratio above 1 + threshold is slower
  std::vector<ComparedPair> pairs;
  std::optional<std::int64_t> base_batch, new_batch;  // recommended; absent: none
  bool moved = false;
  std::optional<std::int64_t> base_boundary, new_boundary;  // largest that fits
  bool shrank = false;
};

}  // namespace batchtune

// What dynamic batching gave: users' batches in runs of a compiled one, and compiled batches for a mix of them. For the
// reports' parts alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/user_batches.h"

namespace batchtune {

// A user's batch that was run so.
struct SplitRow {
  const Trial* trial = nullptr;  // measured
  std::int64_t runs = 1;
  std::int64_t padded = 0;            // samples that nobody sent
  double useful = 1;                  // share of what is computed
  std::optional<double> of_compiled;  // samples/s of users over the compiled batch's own, where that was measured
};
std::vector<SplitRow> split_rows(const Conclusion& conclusion);  // in the order of their candidates

// A compiled batch and what it gives the mix.
struct MixRow {
  const Trial* trial = nullptr;  // measured
  double useful = 1;
  MixService promised;                 // by its own runs
  std::optional<MixService> measured;  // by runs of the user batches themselves
};
std::vector<MixRow> mix_rows(const Conclusion& conclusion, const Wishes& wishes);  // empty without a mix

// Of the recommended one; nullopt: there is no mix, or nothing is recommended.
std::optional<MixRow> best_for_mix(const TuneReport& report);

// Samples/s of users where there is a mix; else of the trial itself. REQUIRES: a measurement.
double users_throughput(const Trial& trial, const Wishes& wishes);

namespace text {
std::string dynamic_batching(const TuneReport& report, int width);  // "" where there was none
}

}  // namespace batchtune

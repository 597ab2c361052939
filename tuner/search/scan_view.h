// The ledger as the scan sees it: one group's candidates as points, and the range that is worth
// scanning. Private to tuner/search.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/scan.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// Those whose preparation was answered, by ascending batch.
std::vector<const Entry*> entries_of(const Ledger& ledger, const CandidateGroup& group);

std::vector<ScanPoint> scan_points(const Ledger& ledger, const std::vector<const Entry*>& entries);

// `left`: racing seconds that may still be spent before the choice is proved. Nothing is worth it
// that would not fit, or whose preparation and first rounds would take too much of them. Refers to
// `problem`.
ScanRange scan_range(const Ledger& ledger, const Problem& problem, const Estimate& estimate,
                     Seconds left);

// Above it a candidate would not fit, or its preparation and first rounds would take too much of
// `left`.
std::int64_t largest_worth_it(const Ledger& ledger, const Problem& problem,
                              const CandidateGroup& group, Seconds left);

std::int64_t smallest_batch(const Problem& problem);

}  // namespace batchtune

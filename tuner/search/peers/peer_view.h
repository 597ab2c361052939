// From the ledger to what a policy sees. Private to tuner/search.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/peers/policy.h"

namespace batchtune::peers {

// `bounds`, `tops`: one per group. Refers to `problem`.
PeerView view_of(const Ledger& ledger, const Problem& problem, std::span<const Pick> measured,
                 std::span<const std::int64_t> bounds, std::span<const std::int64_t> tops);

// Ends of the ranges to search in, by what the first batch took: the largest allowed one; without a
// list, such that ten batches of that size could be paid for.
std::vector<std::int64_t> tops_of(const Ledger& ledger, const Problem& problem);

}  // namespace batchtune::peers

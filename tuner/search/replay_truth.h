// A run held against what its tables know. Private to tuner/search.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tuner/search/replay.h"

namespace batchtune {

// ReplayRun::regret.
double true_regret(const TableGroup& tables, std::span<const TrueRow> truth,
                   const std::optional<Candidate>& chosen, const Wishes& wishes);

// ReplayRun::hypervolume: of these candidates.
double front_share(std::span<const TrueRow> truth, std::span<const Candidate> found);

}  // namespace batchtune

// How many batches a search by trials makes, and drawing one by chance. Private to tuner/search.
#pragma once

#include <cstddef>
#include <optional>
#include <random>

#include "tuner/search/peers/policy.h"

namespace batchtune::peers {

// A tenth of all batches that are worth telling apart, at least 10, at most 200: as Model Analyzer
// bounds its Optuna search (5 to 10 % of the space), with its least number halved for small spaces.
std::size_t trials_of(const PeerView& view);

// In [0, 1), the same on every platform.
double uniform(std::mt19937_64& engine);

// A group by chance, then a batch that is not known, uniform in log2 over the share [low, high) of
// the group's range. Where many draws hit only known ones: the first unknown batch of any group.
// nullopt: all are known.
std::optional<Pick> draw_unknown(const PeerView& view, std::mt19937_64& engine, double low = 0,
                                 double high = 1);

}  // namespace batchtune::peers

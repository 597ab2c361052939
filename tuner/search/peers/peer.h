// What the peers' strategies share: the smallest batch of the first group is the anchor, each batch
// that the policy picks is prepared, visited in kPeerVisits rounds with the anchor and released;
// then memory probes and soak. Private to tuner/search.
#pragma once

#include <memory>

#include "tuner/search/peers/policy.h"
#include "tuner/search/strategy.h"

namespace batchtune::peers {

inline constexpr int kPeerVisits = 10;  // what an exhaustive sweep of this precision makes as well

// A batch whose preparation and visits cannot be paid for any more is refused; without any left,
// or with Problem::most_batches prepared or Problem::most_compiles used up, the search ends. Nothing
// is compiled in the background: at home none of them does.
std::unique_ptr<Strategy> make_peer(const Problem& problem, std::unique_ptr<Policy> policy);

}  // namespace batchtune::peers

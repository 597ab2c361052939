// See peers.h.
#include "tuner/search/peers/peers.h"

#include "tuner/search/peers/peer.h"

namespace batchtune {

std::unique_ptr<Strategy> make_powers_of_two(const Problem& problem, std::uint64_t) {
  return peers::make_peer(problem, peers::powers_of_two_policy());
}

std::unique_ptr<Strategy> make_hill_climb(const Problem& problem, std::uint64_t) {
  return peers::make_peer(problem, peers::hill_climb_policy());
}

std::unique_ptr<Strategy> make_golden(const Problem& problem, std::uint64_t) {
  return peers::make_peer(problem, peers::golden_policy());
}

std::unique_ptr<Strategy> make_random(const Problem& problem, std::uint64_t seed) {
  return peers::make_peer(problem, peers::random_policy(seed));
}

std::unique_ptr<Strategy> make_bayes(const Problem& problem, std::uint64_t seed) {
  return peers::make_peer(problem, peers::bayes_policy(seed));
}

}  // namespace batchtune

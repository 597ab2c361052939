// The table of strategies; the default is first.
#include "tuner/search/adaptive.h"
#include "tuner/search/doubling.h"
#include "tuner/search/peers/peers.h"
#include "tuner/search/strategy.h"

namespace batchtune {
namespace {

constexpr StrategyEntry kStrategies[] = {
    {"doubling", "from the estimate outwards by doubling and bisection, then a race in rounds",
     &make_doubling},
    {"adaptive", "looks where the verdict may still change, by a model of the curve",
     &make_adaptive},
    {"exhaustive", "every allowed batch with the same number of rounds", &make_exhaustive},
    {"powers-of-two", "1, 2, 4, ... until throughput does not grow any more", &make_powers_of_two},
    {"hill-climb", "steps over powers of two and instances along the gain of neighbours",
     &make_hill_climb},
    {"golden", "golden-section search over the logarithm of the batch", &make_golden},
    {"bayes", "a Gaussian process with the largest expected gain of hypervolume", &make_bayes},
    {"random", "batches by chance, uniform in their logarithm", &make_random},
};

}  // namespace

std::span<const StrategyEntry> strategies() {
  return kStrategies;
}

}  // namespace batchtune

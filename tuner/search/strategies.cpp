// The table of strategies; the default is first.
#include "tuner/search/doubling.h"
#include "tuner/search/strategy.h"

namespace batchtune {
namespace {

constexpr StrategyEntry kStrategies[] = {
    {"doubling", "from the estimate outwards by doubling and bisection, then a race in rounds",
     &make_doubling},
    {"exhaustive", "every allowed batch with the same number of rounds", &make_exhaustive},
};

}  // namespace

std::span<const StrategyEntry> strategies() {
  return kStrategies;
}

}  // namespace batchtune

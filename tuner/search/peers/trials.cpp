// See trials.h.
#include "tuner/search/peers/trials.h"

#include <algorithm>
#include <cmath>

namespace batchtune::peers {

std::size_t trials_of(const PeerView& view) {
  constexpr double kShare = 0.1;
  constexpr double kFewest = 10, kMost = 200;
  std::size_t space = 0;
  for (std::size_t group = 0; group < view.groups.size(); ++group)
    space += view.batches(group).size();
  return static_cast<std::size_t>(
      std::clamp(std::ceil(kShare * static_cast<double>(space)), kFewest, kMost));
}

double uniform(std::mt19937_64& engine) {
  constexpr double kSteps = 9007199254740992.0;  // 2^53
  return static_cast<double>(engine() >> 11) / kSteps;
}

std::optional<Pick> draw_unknown(const PeerView& view, std::mt19937_64& engine, double low,
                                 double high) {
  constexpr int kDraws = 100;
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto group =
        static_cast<std::size_t>(uniform(engine) * static_cast<double>(view.groups.size()));
    const double bottom = std::log2(static_cast<double>(view.smallest));
    const double octaves = std::log2(static_cast<double>(view.groups[group].top)) - bottom;
    const double share = low + (high - low) * uniform(engine);
    const Pick pick{group, view.nearest(bottom + share * octaves)};
    if (!view.standing(pick)) return pick;
  }
  for (std::size_t group = 0; group < view.groups.size(); ++group)
    for (const std::int64_t batch : view.batches(group))
      if (!view.standing({group, batch})) return Pick{group, batch};
  return std::nullopt;
}

}  // namespace batchtune::peers

// See policy.h.
#include "tuner/search/peers/policy.h"

#include <algorithm>
#include <cmath>

namespace batchtune::peers {

const PeerPoint* PeerView::find(const Pick& pick) const {
  const auto found = std::find_if(points.begin(), points.end(),
                                  [&](const PeerPoint& point) { return point.pick == pick; });
  return found == points.end() ? nullptr : &*found;
}

std::optional<Standing> PeerView::standing(const Pick& pick) const {
  if (const PeerPoint* point = find(pick)) return point->standing;
  if (pick.batch > groups[pick.group].largest) return Standing{};
  return std::nullopt;
}

std::int64_t PeerView::nearest(double exponent) const {
  const double wanted = std::exp2(exponent);
  std::int64_t below = 0, above = 0;
  if (allowed.empty()) {
    below = std::max(smallest, static_cast<std::int64_t>(std::floor(wanted)));
    above = below + 1;
  } else {
    const auto after = std::upper_bound(
        allowed.begin(), allowed.end(), wanted,
        [](double value, std::int64_t batch) { return value < static_cast<double>(batch); });
    below = after == allowed.begin() ? allowed.front() : *(after - 1);
    above = after == allowed.end() ? allowed.back() : *after;
  }
  return wanted * wanted <= static_cast<double>(below) * static_cast<double>(above) ? below : above;
}

std::vector<std::int64_t> PeerView::batches(std::size_t group) const {
  constexpr std::int64_t kEvery = 64;
  constexpr double kStep = 1.0 / 16;  // of an octave: 4 %
  const std::int64_t top = groups[group].top;
  std::vector<std::int64_t> result;
  if (!allowed.empty()) {
    std::copy_if(allowed.begin(), allowed.end(), std::back_inserter(result),
                 [&](std::int64_t batch) { return batch <= top; });
    return result;
  }
  for (std::int64_t batch = smallest; batch <= std::min(top, kEvery); ++batch)
    result.push_back(batch);
  for (double exponent = std::log2(kEvery) + kStep; nearest(exponent) <= top; exponent += kStep)
    result.push_back(nearest(exponent));
  return result;
}

std::vector<std::int64_t> PeerView::powers_of_two() const {
  constexpr int kMost = 20;
  std::vector<std::int64_t> ladder;
  for (int exponent = 0; exponent <= kMost; ++exponent) {
    const std::int64_t batch = nearest(exponent);
    if (ladder.empty() || batch > ladder.back()) ladder.push_back(batch);
  }
  return ladder;
}

}  // namespace batchtune::peers

// Triton Model Analyzer's brute force over the batch (automatic mode), as its documentation and its
// parameter sweep have it: a plateau is a gain of less than 5 % over four tries. One batch after
// the other.
#include <algorithm>

#include "tuner/search/peers/peers.h"

namespace batchtune::peers {
namespace {

class PowersOfTwo final : public Policy {
 public:
  std::optional<Pick> next(const PeerView& view) override {
    for (std::size_t group = 0; group < view.groups.size(); ++group)
      if (const auto batch = next_of(view, group)) return Pick{group, *batch};
    return std::nullopt;
  }
  std::string why_done() const override {
    return "no larger power of two runs within the limits or gains 5 % in four tries";
  }

 private:
  static std::optional<std::int64_t> next_of(const PeerView& view, std::size_t group);
  static bool is_plateau(const std::vector<double>& rates);
  static bool is_too_slow(const PeerView& view, const PeerPoint& point) {
    return std::any_of(view.wishes.latency_limits.begin(), view.wishes.latency_limits.end(),
                       [&](const LatencyLimit& limit) { return point.latency > limit.limit; });
  }
};

std::optional<std::int64_t> PowersOfTwo::next_of(const PeerView& view, std::size_t group) {
  std::vector<double> rates;
  for (const std::int64_t batch : view.powers_of_two()) {
    const Pick pick{group, batch};
    if (!view.standing(pick)) return batch;
    const PeerPoint* point = view.find(pick);
    if (!point || point->standing == Standing{} || is_too_slow(view, *point)) return std::nullopt;
    rates.push_back(point->rate);
    if (is_plateau(rates)) return std::nullopt;
  }
  return std::nullopt;
}

bool PowersOfTwo::is_plateau(const std::vector<double>& rates) {
  constexpr std::ptrdiff_t kTries = 4;
  constexpr double kGain = 0.05;
  if (std::ssize(rates) < kTries) return false;
  const double first = *(rates.end() - kTries);
  return *std::max_element(rates.end() - kTries, rates.end()) <= first * (1 + kGain);
}

}  // namespace

std::unique_ptr<Policy> powers_of_two_policy() {
  return std::make_unique<PowersOfTwo>();
}

}  // namespace batchtune::peers

// See alike.h.
#include "tuner/search/alike.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

constexpr double kShareOfTolerance = 0.25;
constexpr double kRounding = 1e-9;  // of logarithms: equal visits are equal

// Of log(latency of `other` / latency of `best`); nullopt: seen in too few rounds.
std::optional<Location> location_of(std::span<const RoundMedians> rounds, TrialId anchor,
                                    TrialId best, TrialId other) {
  if (auto direct = locate(log_ratio_series(rounds, best, other).all())) return direct;
  if (anchor == 0 || best == anchor || other == anchor) return std::nullopt;
  const auto base = locate(log_ratio_series(rounds, anchor, best).all());
  auto through = locate(log_ratio_series(rounds, anchor, other).all());
  if (!base || !through) return std::nullopt;
  through->centre -= base->centre;
  through->error = std::hypot(through->error, base->error);
  through->freedom = std::min(through->freedom, base->freedom);
  return through;
}

double log_samples(const Choice& choice) {
  return std::log(static_cast<double>(choice.batch) * choice.instances * choice.useful);
}

// By the objective latency of that, else of throughput.
Alike within(std::span<const RoundMedians> rounds, TrialId anchor, bool by_latency,
             double most_lost) {
  std::map<std::pair<TrialId, TrialId>, std::optional<Interval>> known;
  return [=](const Choice& best, const Choice& other) mutable {
    const double kept =
        by_latency ? best.latency / other.latency : other.throughput / best.throughput;
    if (kept < 1 - most_lost) return false;
    const auto [pair, is_new] = known.try_emplace({best.trial, other.trial});
    if (is_new)
      if (const auto location = location_of(rounds, anchor, best.trial, other.trial))
        pair->second = location->interval();
    const double samples = by_latency ? 0 : log_samples(other) - log_samples(best);
    return pair->second && pair->second->low <= samples + kRounding;
  };
}

}  // namespace

Alike alike_by(std::span<const RoundMedians> rounds, TrialId anchor, const Wishes& wishes) {
  return within(rounds, anchor, wishes.objective == Objective::latency,
                kShareOfTolerance * wishes.tolerance);
}

Alike unresolved_by(std::span<const RoundMedians> rounds, TrialId anchor, const Wishes& wishes) {
  return within(rounds, anchor, wishes.objective == Objective::latency, 1);
}

}  // namespace batchtune

// See stability.h.
#include "tuner/statistics/stability.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tuner/core/units.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

// How surely the ends of a session differ, when one says so: three standard errors where many
// rounds tell how large these are.
constexpr double kSure = 0.9973;

// Standard deviation by the distances of neighbours, which no drift moves.
double neighbour_deviation(std::span<const double> values) {
  std::vector<double> distances;
  for (std::size_t i = 1; i < values.size(); ++i)
    distances.push_back(std::abs(values[i] - values[i - 1]));
  return kDeviation * median(distances) / std::sqrt(2.0);
}

std::optional<std::string> too_wide(const char* what, double low, double high, int rounds,
                                    double precision) {
  const double half_width = 0.5 * std::log(high / low);
  if (half_width <= kLoosestPrecision * precision) return std::nullopt;
  return std::string(what) + " is known to +-" + format_percent(half_width) + " after " +
         std::to_string(rounds) + " rounds; " + format_percent(precision) + " was asked for";
}

std::optional<std::string> level_reason(std::span<const RoundMedians> rounds, TrialId trial,
                                        double precision) {
  const int visits = level_series(rounds, trial).present;
  if (visits < kFewestRounds) return "it was visited in " + std::to_string(visits) + " rounds only";
  const auto interval = level_interval(rounds, 0, trial);
  if (!interval) return std::nullopt;
  return too_wide("its undisturbed latency", interval->low, interval->high, visits, precision);
}

}  // namespace

std::optional<double> drift_of(std::span<const double> logs, double precision) {
  const std::size_t third = logs.size() / 3;
  if (static_cast<int>(third) < kFewestRounds / 2) return std::nullopt;
  const auto first = logs.first(third), last = logs.last(third);
  const double apart = median(last) - median(first);
  const double noise =
      neighbour_deviation(logs) * kOfMedian * std::sqrt(2.0 / static_cast<double>(third));
  const int freedom = static_cast<int>(2 * third) - 2;  // the noise is estimated, too
  const double errors = student_quantile(0.5 + kSure / 2, freedom);
  if (std::abs(apart) <= std::max(2 * precision, errors * noise)) return std::nullopt;
  return apart;
}

std::optional<std::string> unstable_reason(std::span<const RoundMedians> rounds, TrialId anchor,
                                           TrialId trial, double precision) {
  if (trial == anchor || anchor == 0) return level_reason(rounds, trial, precision);
  const PairedRatio paired = paired_ratio(rounds, anchor, trial);
  if (paired.shared == 0) return level_reason(rounds, trial, precision);
  if (!paired.ci95) return "it met the anchor in " + std::to_string(paired.shared) + " rounds only";
  // First, since a ratio that moves makes its interval wide, too.
  const auto logs = log_ratio_series(rounds, anchor, trial).all();
  if (const auto drift = drift_of(logs, precision))
    return "its ratio to the anchor differs by " + format_percent(std::abs(*drift)) +
           " between the first and the last third of its rounds";
  return too_wide("its ratio to the anchor", paired.ci95->low, paired.ci95->high, paired.used,
                  precision);
}

}  // namespace batchtune

// See change.h.
#include "tuner/track/change.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

// What a program's figure differs by between sessions for no reason that rounds could tell, as a
// standard deviation: memory placement, the other guests of the hour.
constexpr double kBetweenSessions = 0.005;

// The two ways to a figure may differ by so many standard errors of their difference; what is
// beyond is doubt.
constexpr double kAgreement = 2;

double square(double x) {
  return x * x;
}

// Standard deviation of a figure of the replicates, by their middle 95 %.
template <typename FigureOf>
double spread(const std::vector<Logs>& replicates, FigureOf figure_of_logs) {
  constexpr double kWidth = 3.92;  // of the middle 95 % of a normal distribution, in deviations
  std::vector<double> figures;
  for (const Logs& logs : replicates) figures.push_back(figure_of_logs(logs));
  const auto interval = percentile_interval(figures);
  return interval ? (interval->high - interval->low) / kWidth : 0;
}

}  // namespace

double Change::reach(double confidence) const {
  const double p = 0.5 + confidence / 2;
  const double unseen = std::hypot(std::sqrt(2.0) * kBetweenSessions, disagreement);
  return std::hypot(base_error * student_quantile(p, base_freedom),
                    now_error * student_quantile(p, now_freedom), unseen * normal_quantile(p));
}

Change change_of(const Figure& base, const Figure& now) {
  const auto by_level = [](const Logs& logs) { return logs.by_level; };
  const auto by_round = [](const Logs& logs) { return logs.by_round; };
  const auto apart = [](const Logs& logs) { return logs.by_level - logs.by_round; };
  const auto both = [&](auto of) {
    return square(spread(base.replicates, of)) + square(spread(now.replicates, of));
  };
  const double levels = both(by_level), rounds = both(by_round);
  const double level_share = levels + rounds > 0 ? rounds / (levels + rounds) : 0.5;
  const auto mixed = [&](const Logs& logs) { return logs.mixed(level_share); };
  Change change;
  change.known = !base.replicates.empty() && !now.replicates.empty();
  change.log_ratio = mixed(now.logs) - mixed(base.logs);
  change.base_error =
      std::hypot(spread(base.replicates, mixed) * std::sqrt(base.inflation), base.unequal);
  change.now_error =
      std::hypot(spread(now.replicates, mixed) * std::sqrt(now.inflation), now.unequal);
  change.base_freedom = base.freedom;
  change.now_freedom = now.freedom;
  change.disagreement = std::max(
      0.0, std::abs(apart(now.logs) - apart(base.logs)) - kAgreement * std::sqrt(both(apart)));
  return change;
}

}  // namespace batchtune

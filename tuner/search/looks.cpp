// See looks.h.
#include "tuner/search/looks.h"

#include <algorithm>
#include <cmath>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr double kWorth = 4;           // visits that the usual variance counts for, ...
constexpr double kSessionWorth = 8;    // ... and that the session's counts for in a candidate's
constexpr double kErrorFloor = 0.001;  // carry-over and the clock are no better
constexpr double kOutlier = 3;         // deviations: what lies beyond counts as so far away

struct Paired {
  const Seen* seen = nullptr;
  std::vector<double> log_ratios;
};

double squares(const std::vector<double>& values, double deviation) {
  const double centre = midmean(values);
  double sum = 0;
  for (const double value : values) {
    const double off = std::clamp(std::abs(value - centre), 0.0, kOutlier * deviation);
    sum += off * off;
  }
  return sum;
}

// Standard deviation of a paired log ratio in this session, by all candidates; outliers count
// little.
double session_deviation(const std::vector<Paired>& pairs) {
  std::vector<double> off;
  double lost = 0;  // degrees of freedom
  for (const Paired& pair : pairs) {
    if (pair.log_ratios.size() < 2) continue;
    const double centre = midmean(pair.log_ratios);
    for (const double value : pair.log_ratios) off.push_back(std::abs(value - centre));
    lost += 1;
  }
  constexpr double kUsual = kUsualVisitError * 1.4142135623730951;  // of a ratio: of two visits
  if (off.empty()) return kUsual;
  const double count = static_cast<double>(off.size()) - lost;
  const double robust = kDeviation * median(off);
  const double found = robust * robust * static_cast<double>(off.size()) / count;
  return std::sqrt((kWorth * kUsual * kUsual + count * found) / (kWorth + count));
}

}  // namespace

std::vector<Look> looks_of(std::span<const RoundMedians> rounds, TrialId anchor,
                           std::span<const Seen> seen) {
  std::vector<Paired> pairs;
  double anchor_rounds = 0;
  for (const RoundMedians& round : rounds) anchor_rounds += find_visit(round, anchor) != nullptr;
  for (const Seen& one : seen) {
    Paired pair{&one, {}};
    if (one.trial != anchor) pair.log_ratios = log_ratio_series(rounds, anchor, one.trial).all();
    if (one.trial == anchor || !pair.log_ratios.empty()) pairs.push_back(std::move(pair));
  }
  const double session = session_deviation(pairs);
  std::vector<Look> looks;
  for (const Paired& pair : pairs) {
    Look look{pair.seen->trial, pair.seen->candidate, std::log(pair.seen->rate), 0, 0, false};
    const auto visits = static_cast<double>(pair.log_ratios.size());
    double own = session * session / 2;  // a visit's variance
    double variance = own / std::max(1.0, anchor_rounds);
    if (visits > 0) {
      const double sum = kSessionWorth * session * session + squares(pair.log_ratios, session);
      own = sum / (kSessionWorth + visits - 1) / 2;
      const double of_few = visits < kFewestRounds ? kOfMedian * kOfMedian : 1;
      variance = own * of_few * (2 / visits - 1 / std::max(visits, anchor_rounds));
    }
    look.visit_error = std::sqrt(own);
    look.error = std::hypot(std::sqrt(variance), kErrorFloor);
    looks.push_back(look);
  }
  return looks;
}

}  // namespace batchtune

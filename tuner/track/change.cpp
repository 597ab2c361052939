// See change.h.
#include "tuner/track/change.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tuner/statistics/interval.h"

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

// Independent errors together, with the freedom of Welch and Satterthwaite.
StandardError together(const std::vector<StandardError>& errors) {
  double variance = 0, squares = 0;
  for (const StandardError& error : errors) {
    variance += square(error.size);
    squares += square(square(error.size)) / error.freedom;
  }
  constexpr double kMostFreedom = 1000;  // beyond, Student's t is the normal distribution
  const double freedom = squares > 0 ? square(variance) / squares : kMostFreedom;
  return {std::sqrt(variance), static_cast<int>(std::clamp(freedom, 1.0, kMostFreedom))};
}

}  // namespace

double Change::reach(double confidence, std::size_t pairs) const {
  const double alone = 0.5 + confidence / 2;
  const double for_all = 1 - (1 - confidence) / (2 * static_cast<double>(pairs));
  const double unseen = std::sqrt(2.0) * kBetweenSessions;
  return std::hypot(noise.size * student_quantile(for_all, noise.freedom),
                    unseen * normal_quantile(alone), disagreement * normal_quantile(for_all));
}

Change change_of(const Figure& base, const Figure& now) {
  Change change;
  change.known = !base.errors.empty() && !now.errors.empty();
  const double by_round = now.log - base.log, by_level = now.by_level - base.by_level;
  change.log_ratio = by_round;
  if (!change.known) return change;
  std::vector<StandardError> errors = base.errors;
  errors.insert(errors.end(), now.errors.begin(), now.errors.end());
  const StandardError rounds = together(errors);
  const double levels = std::hypot(base.level_error, now.level_error);
  change.noise = rounds;
  change.disagreement =
      std::max(0.0, std::abs(by_level - by_round) - kAgreement * std::hypot(rounds.size, levels));
  return change;
}

}  // namespace batchtune

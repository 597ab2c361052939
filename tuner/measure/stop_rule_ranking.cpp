// The rules about ratios: their intervals, and the choice that they lead to.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tuner/core/units.h"
#include "tuner/measure/stop_rule_parts.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

std::optional<double> half_width(double middle, const std::optional<Interval>& interval) {
  if (!interval || middle <= 0) return std::nullopt;
  return (interval->high - interval->low) / (2 * middle);
}

std::optional<double> level_half_width(std::span<const RoundMedians> rounds, TrialId trial) {
  const auto level = Leveller(rounds, 0, trial).at(all_indices(static_cast<int>(rounds.size())));
  if (!level) return std::nullopt;
  return half_width(level->undisturbed, level_interval(rounds, 0, trial));
}

class IntervalRule final : public LookingRule {
 public:
  IntervalRule(const StopQuestion& question, std::span<const double> values)
      : LookingRule(question, true), precision_(values[0]), fewest_(static_cast<int>(values[1])) {}

  std::string reason() const override {
    const int rounds = last_look(count());
    const auto widest = rounds > 0 ? widest_in(first(rounds)) : std::nullopt;
    if (!widest) return fmt::format("no interval is known after {} rounds", count());
    return fmt::format("the widest interval is +-{} after {} rounds; {} was asked for",
                       format_percent(*widest), count(), format_percent(precision_));
  }

 private:
  bool holds(Rounds rounds) const override {
    if (fewest_visits(rounds) < fewest_) return false;
    const auto widest = widest_in(rounds);
    return widest && *widest <= precision_;
  }

  // nullopt: some interval is not known. The anchor's ratio is 1; alone, its level is asked about.
  std::optional<double> widest_in(Rounds rounds) const {
    double widest = 0;
    for (const Subject& subject : question_.subjects) {
      const bool is_anchor = subject.trial == question_.anchor;
      const bool level = question_.anchor == 0 || (is_anchor && question_.subjects.size() == 1);
      if (is_anchor && !level) continue;
      std::optional<double> width;
      if (level) {
        width = level_half_width(rounds, subject.trial);
      } else {
        const PairedRatio paired = paired_ratio(rounds, question_.anchor, subject.trial);
        width = half_width(paired.ratio, paired.ci95);
      }
      if (!width) return std::nullopt;
      widest = std::max(widest, *width);
    }
    return widest;
  }

  double precision_;
  int fewest_;
};

class RankRule final : public LookingRule {
 public:
  RankRule(const StopQuestion& question, std::span<const double> values)
      : LookingRule(question, true), share_(values[0]), fewest_(static_cast<int>(values[1])) {}

  std::string reason() const override {
    if (done()) return fmt::format("the choice is settled after {} rounds", count());
    return fmt::format("the order of {} subjects is open after {} rounds",
                       question_.subjects.size(), count());
  }

 private:
  bool holds(Rounds rounds) const override {
    if (question_.subjects.empty() || fewest_visits(rounds) < fewest_) return false;
    const int n = static_cast<int>(rounds.size());
    std::vector<Leveller> levellers;
    for (const Subject& subject : question_.subjects)
      levellers.emplace_back(rounds, question_.anchor, subject.trial);
    const auto all = throughputs(levellers, all_indices(n), {});
    const std::size_t chosen = choose(all);
    int same = 0, drawn = 0;
    for (const auto& picked : resamplings(n)) {
      same += choose(throughputs(levellers, picked, all)) == chosen;
      ++drawn;
    }
    return same >= share_ * drawn;
  }

  std::size_t choose(const std::vector<double>& throughputs) const {
    if (question_.choose) return question_.choose(throughputs);
    return static_cast<std::size_t>(std::max_element(throughputs.begin(), throughputs.end()) -
                                    throughputs.begin());
  }

  // `otherwise`: of those that were not drawn.
  std::vector<double> throughputs(const std::vector<Leveller>& levellers,
                                  const std::vector<int>& picked,
                                  const std::vector<double>& otherwise) const {
    std::vector<double> result;
    for (const Subject& subject : question_.subjects) {
      const std::size_t i = result.size();
      const auto level = levellers[i].at(picked);
      const double samples = static_cast<double>(subject.batch) * subject.instances;
      result.push_back(level ? samples / level->undisturbed : otherwise.empty() ? 0 : otherwise[i]);
    }
    return result;
  }

  double share_;
  int fewest_;
};

}  // namespace

std::unique_ptr<StopRule> make_interval_rule(const StopQuestion& question, StopValues values) {
  return std::make_unique<IntervalRule>(question, values);
}

std::unique_ptr<StopRule> make_rank_rule(const StopQuestion& question, StopValues values) {
  return std::make_unique<RankRule>(question, values);
}

}  // namespace batchtune

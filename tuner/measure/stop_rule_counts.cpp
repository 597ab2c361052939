// The rules about latency limits and noise, and the plain ones: rounds and time.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tuner/core/units.h"
#include "tuner/measure/stop_rule_parts.h"
#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

// One look suffices: the confidence is 99 % at each of the few looks.
class PercentileRule final : public RoundRule {
 public:
  PercentileRule(const StopQuestion& question, std::span<const double> values)
      : RoundRule(question), confidence_(values[0]) {}

  bool done() const override {
    if (count() < kFewestRounds) return false;
    return open().empty();
  }

  std::string reason() const override {
    const auto undecided = open();
    if (undecided.empty())
      return fmt::format("every latency limit is decided after {} rounds", count());
    return fmt::format("{} latency limits are open after {} rounds", undecided.size(), count());
  }

 private:
  void see(const Round& round) override {
    for (const Subject& subject : question_.subjects)
      if (auto runs = timed_runs(round, subject.trial); !runs.empty())
        visits_[subject.trial].push_back(std::move(runs));
  }

  std::vector<LimitVerdict> open() const {
    std::vector<LimitVerdict> result;
    for (const Subject& subject : question_.subjects)
      for (const LatencyLimit& limit : question_.wishes.latency_limits) {
        const auto found = visits_.find(subject.trial);
        std::span<const VisitSamples> seen;
        if (found != visits_.end())
          seen = std::span<const VisitSamples>(found->second)
                     .first(static_cast<std::size_t>(
                         last_look(static_cast<int>(found->second.size()))));
        const LimitVerdict verdict = judge(limit, seen, confidence_);
        if (verdict.decision == LimitDecision::unproven) result.push_back(verdict);
      }
    return result;
  }

  double confidence_;
  std::map<TrialId, std::vector<VisitSamples>> visits_;
};

// nvbench's: more rounds would not tell more about the noise. It does not say that the mean is
// known.
class SteadyRule final : public RoundRule {
 public:
  SteadyRule(const StopQuestion& question, std::span<const double> values)
      : RoundRule(question),
        noise_(values[0]),
        drift_(values[1]),
        window_(static_cast<std::size_t>(values[2])) {}

  bool done() const override {
    const int look = last_look(count());
    return look > 0 && std::all_of(question_.subjects.begin(), question_.subjects.end(),
                                   [&](const Subject& subject) {
                                     return is_steady(first(look), subject.trial);
                                   });
  }

  std::string reason() const override {
    return fmt::format("the noise {} after {} rounds", done() ? "is stable" : "still changes",
                       count());
  }

 private:
  // Log ratios to the anchor; of the anchor itself, log levels.
  std::vector<double> logs_of(Rounds rounds, TrialId trial) const {
    if (trial != question_.anchor && question_.anchor != 0)
      return log_ratio_series(rounds, question_.anchor, trial).all();
    std::vector<double> logs = level_series(rounds, trial).all();
    for (double& value : logs) value = std::log(value);
    return logs;
  }

  static double deviation(std::span<const double> values, double& mean) {
    mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
  }

  bool is_steady(Rounds rounds, TrialId trial) const {
    constexpr std::size_t kFewestValues = 5;  // below, a deviation says nothing
    const auto logs = logs_of(rounds, trial);
    double mean = 0;
    std::vector<double> noise;
    for (std::size_t n = kFewestValues; n <= logs.size(); ++n)
      noise.push_back(deviation(std::span(logs).first(n), mean));
    if (noise.empty()) return false;
    if (noise.back() <= noise_) return true;
    if (noise.size() < window_) return false;
    const double varies = deviation(std::span(noise).last(window_), mean);
    return varies <= drift_ * mean;
  }

  double noise_, drift_;
  std::size_t window_;
};

class RoundsRule final : public RoundRule {
 public:
  RoundsRule(const StopQuestion& question, std::span<const double> values)
      : RoundRule(question), rounds_(static_cast<int>(values[0])) {}

  bool done() const override { return fewest_visits(first(count())) >= rounds_; }
  std::string reason() const override {
    return fmt::format("{} of {} rounds of each", fewest_visits(first(count())), rounds_);
  }

 private:
  int rounds_;
};

class TimeRule final : public RoundRule {
 public:
  TimeRule(const StopQuestion& question, std::span<const double> values)
      : RoundRule(question), seconds_(values[0]) {}

  bool done() const override { return spent_ >= seconds_; }
  std::string reason() const override {
    return fmt::format("{} of {} in rounds", format_seconds(spent_), format_seconds(seconds_));
  }

 private:
  void see(const Round& round) override {
    for (const Visit& visit : round.visits)
      if (visit.instance == 0)
        for (const Seconds seconds : visit.seconds) spent_ += seconds;
  }

  double seconds_;
  Seconds spent_ = 0;
};

}  // namespace

std::unique_ptr<StopRule> make_percentile_rule(const StopQuestion& question, StopValues values) {
  return std::make_unique<PercentileRule>(question, values);
}

std::unique_ptr<StopRule> make_steady_rule(const StopQuestion& question, StopValues values) {
  return std::make_unique<SteadyRule>(question, values);
}

std::unique_ptr<StopRule> make_rounds_rule(const StopQuestion& question, StopValues values) {
  return std::make_unique<RoundsRule>(question, values);
}

std::unique_ptr<StopRule> make_time_rule(const StopQuestion& question, StopValues values) {
  return std::make_unique<TimeRule>(question, values);
}

}  // namespace batchtune

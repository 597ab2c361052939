// The rules about latency limits and noise, and the plain ones: rounds and time.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tuner/core/units.h"
#include "tuner/measure/stop_rule_parts.h"
#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

// One look at each of the spaced numbers of visits suffices: each is right with the confidence.
// Without a limit there is nothing to decide, and it is never done.
class PercentileRule final : public RoundRule {
 public:
  PercentileRule(const StopQuestion& question, std::span<const double> values)
      : RoundRule(question),
        confidence_(values[0]),
        visits_(question.subjects.size()),
        open_(question.subjects.size(), question.wishes.latency_limits.size()) {}

  bool done() const override { return !question_.wishes.latency_limits.empty() && open() == 0; }

  std::string reason() const override {
    if (question_.wishes.latency_limits.empty()) return "no latency limit is wished";
    if (open() == 0) return fmt::format("every latency limit is decided after {} rounds", count());
    return fmt::format("{} latency limits are open after {} rounds", open(), count());
  }

 private:
  void see(const Round& round) override {
    for (std::size_t i = 0; i < question_.subjects.size(); ++i) {
      auto runs = timed_runs(round, question_.subjects[i].trial);
      if (runs.empty()) continue;
      auto& visits = visits_[i];
      visits.push_back(std::move(runs));
      if (last_look(static_cast<int>(visits.size())) != std::ssize(visits)) continue;
      open_[i] = 0;
      for (const LatencyLimit& limit : question_.wishes.latency_limits)
        open_[i] += judge(limit, visits, confidence_).decision == LimitDecision::unproven;
    }
  }

  std::size_t open() const { return std::accumulate(open_.begin(), open_.end(), std::size_t{0}); }

  double confidence_;
  std::vector<std::vector<VisitSamples>> visits_;  // by subject
  std::vector<std::size_t> open_;                  // limits at the last look, by subject
};

// nvbench's: more rounds would not tell more about the noise. It does not say that the mean is
// known.
class SteadyRule final : public LookingRule {
 public:
  SteadyRule(const StopQuestion& question, std::span<const double> values)
      : LookingRule(question, false),
        noise_(values[0]),
        drift_(values[1]),
        window_(static_cast<std::size_t>(values[2])) {}

  std::string reason() const override {
    return fmt::format("the noise {} after {} rounds", done() ? "is stable" : "still changes",
                       count());
  }

 private:
  bool holds(Rounds rounds) const override {
    return !rounds.empty() &&
           std::all_of(question_.subjects.begin(), question_.subjects.end(),
                       [&](const Subject& subject) { return is_steady(rounds, subject.trial); });
  }

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

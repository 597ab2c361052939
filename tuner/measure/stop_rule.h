// When enough rounds have been measured: named rules about the rounds of some subjects. `measure`
// stops by one of them, a strategy asks them about its contenders; the budget ends both anyway.
// Trap: a condition that is looked at after every round is met by luck sooner or later. So the
// rules look only at spaced numbers of rounds (each a fifth above the one before), and what
// resampling or an interval says must hold at two looks in a row. A tighter precision never stops
// earlier.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/limits.h"
#include "tuner/core/observation.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/promise.h"

namespace batchtune {

struct StopQuestion {
  TrialId anchor = 0;  // of the ratios that are asked about; 0: levels are
  std::vector<Subject> subjects;
  Wishes wishes;  // precision and latency limits
  // Index of the subject that would be chosen, by the throughputs of all; empty: the highest.
  std::function<std::size_t(std::span<const double>)> choose;
};

class StopRule {
 public:
  virtual ~StopRule() = default;
  virtual void add(const Round& round) = 0;  // without a visit to a subject it does not count
  virtual bool done() const = 0;
  virtual std::string reason() const = 0;  // in words, done or not
};

struct StopParameter {
  std::string_view name;
  std::string_view unit;  // "" for a plain number
  double value = 0;       // the default
  std::string_view description;
};

struct StopRuleEntry {
  std::string_view name;
  std::string_view description;
  std::span<const StopParameter> parameters;
  // `values`: one per parameter, in their order.
  std::unique_ptr<StopRule> (*create)(const StopQuestion& question, std::span<const double> values);
};
std::span<const StopRuleEntry> stop_rules();  // the default of `measure` is first

// With the defaults, but the precision of the wishes. nullptr: there is no rule of that name.
std::unique_ptr<StopRule> make_stop_rule(std::string_view name, const StopQuestion& question);

// The largest number of rounds at which a rule looks that is not above `count`: 6, 8, 10, 12, 14,
// 16, 19, 22, ...; 0 below 6.
int last_look(int count);

// All timed runs of a trial in one round, of all instances; empty when it was not visited.
VisitSamples timed_runs(const Round& round, TrialId trial);

}  // namespace batchtune

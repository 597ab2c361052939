// What the stop rules are made of. Private to the files stop_rule*.cpp.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tuner/measure/stop_rule.h"

namespace batchtune {

// What every rule needs: the rounds that visited a subject.
class RoundRule : public StopRule {
 public:
  explicit RoundRule(const StopQuestion& question) : question_(question) {}

  void add(const Round& round) final;

 protected:
  virtual void see(const Round&) {}

  using Rounds = std::span<const RoundMedians>;
  Rounds first(int count) const { return Rounds(medians_).first(static_cast<std::size_t>(count)); }
  int count() const { return static_cast<int>(medians_.size()); }
  int fewest_visits(Rounds rounds) const;  // of a subject

  StopQuestion question_;
  std::vector<RoundMedians> medians_;
};

// Done when `holds` is true of the rounds up to the last look, or (twice) to the last two looks. It
// is asked once a look: what it computes grows with the rounds.
class LookingRule : public RoundRule {
 public:
  LookingRule(const StopQuestion& question, bool twice) : RoundRule(question), twice_(twice) {}

  bool done() const final;

 private:
  virtual bool holds(Rounds rounds) const = 0;

  bool twice_;
  mutable int judged_ = 0;  // the look of `done_`
  mutable bool done_ = false;
};

inline constexpr StopParameter kIntervalParameters[] = {
    {"precision", "share", 0.01, "relative half width of the 95 % interval (--precision)"},
    {"rounds", "rounds", 8, "of each subject at least: fewer have no narrow interval"},
};
inline constexpr StopParameter kRankParameters[] = {
    {"share", "share", 0.9, "of the resamplings of rounds that lead to the same choice"},
    {"rounds", "rounds", 8, "of each subject at least"},
};
inline constexpr StopParameter kPercentileParameters[] = {
    {"confidence", "share", kPromiseConfidence, "that a limit is kept, or that it is broken"},
};
inline constexpr StopParameter kSteadyParameters[] = {
    {"noise", "share", 0.005, "spread from round to round that is small enough by itself"},
    {"drift", "share", 0.05, "variation of the last noise estimates that counts as stable"},
    {"window", "rounds", 16, "noise estimates that must agree"},
};
inline constexpr StopParameter kRoundsParameters[] = {
    {"rounds", "rounds", 40, "of each subject"},
};
inline constexpr StopParameter kTimeParameters[] = {
    {"seconds", "s", 10, "reported seconds in rounds, warm runs and references included"},
};

// `values`: one per parameter, in their order.
using StopValues = std::span<const double>;
std::unique_ptr<StopRule> make_interval_rule(const StopQuestion& question, StopValues values);
std::unique_ptr<StopRule> make_rank_rule(const StopQuestion& question, StopValues values);
std::unique_ptr<StopRule> make_percentile_rule(const StopQuestion& question, StopValues values);
std::unique_ptr<StopRule> make_steady_rule(const StopQuestion& question, StopValues values);
std::unique_ptr<StopRule> make_rounds_rule(const StopQuestion& question, StopValues values);
std::unique_ptr<StopRule> make_time_rule(const StopQuestion& question, StopValues values);

}  // namespace batchtune

// See figure.h. Two ways lead from rounds to a figure: levels forget when a visit was, pairs do
// not. Each fails on disturbances that the other survives, so both are taken and held against each
// other (change.cpp).
#include "tuner/track/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"
#include "tuner/statistics/stability.h"

namespace batchtune {
namespace {

// A ratio to the reference that moves by more within a session (twice this) has no one value.
constexpr double kSteady = 0.01;

// A disturbance slows one program by another factor than the reference: so much of what the
// reference is uncertain by remains in their ratio.
constexpr double kUnequal = 0.2;

constexpr const char* kOtherReference = "compute";

// Fewer rounds are a glance: the search looked, and looked elsewhere.
constexpr int kFewestCompared = 8;

// With so many quiet ones among few the rest is cut off by the midmean.
constexpr double kMostlyQuiet = 0.75;

// What the session's regular programs say that the reference got wrong in each round: the median of
// their ratios to it, each less its usual value (the reference's own is 0). A program that ran in
// few rounds is known better after this is taken out.
std::vector<double> faults_of(const Side& side, TrialId trial) {
  std::vector<double> faults;
  for (std::size_t r = 0; r < side.rounds.size(); ++r) {
    std::vector<double> off{0};
    for (const Regular& regular : side.regulars)
      if (regular.off[r] && (regular.trial == 0 || regular.trial != trial))
        off.push_back(*regular.off[r]);
    faults.push_back(median(off));
  }
  return faults;
}

StandardError error_of(const Location& location) {
  return {location.error, location.freedom};
}

bool is_regular(const Side& side, TrialId trial) {
  return std::any_of(side.regulars.begin(), side.regulars.end(),
                     [&](const Regular& regular) { return regular.trial == trial; });
}

void set_by_round(Figure& figure, const Side& side, TrialId trial, const RoundSeries& series) {
  std::vector<double> logs = series.all();
  figure.log = midmean(logs);
  std::optional<Location> shared;
  if (!is_regular(side, trial)) {
    const std::vector<double> faults = faults_of(side, trial);
    logs.clear();
    for (std::size_t r = 0; r < faults.size(); ++r)
      if (series.values[r]) logs.push_back(*series.values[r] - faults[r]);
    figure.log = midmean(logs);
    shared = locate(faults);
  }
  const auto own = locate(logs);
  if (!own) return;
  figure.errors.push_back(error_of(*own));
  if (shared) figure.errors.push_back(error_of(*shared));
}

struct Levels {
  Leveller level;
  RoundSeries reference;

  std::optional<double> at(std::span<const int> picked, bool relative) const {
    const auto own = level.at(picked);
    if (!own) return std::nullopt;
    if (!relative) return std::log(own->undisturbed);
    const auto base = undisturbed_of(reference.at(picked));
    if (!base) return std::nullopt;
    return std::log(own->undisturbed / *base);
  }
};

// Standard deviation of replicates, by their middle 95 %.
double spread(std::span<const double> replicates) {
  constexpr double kWidth = 3.92;  // of the middle 95 % of a normal distribution, in deviations
  const auto interval = percentile_interval(replicates);
  return interval ? (interval->high - interval->low) / kWidth : 0;
}

std::string doubt_of(const Side& side, const RoundSeries& log_ratios) {
  if (log_ratios.present < kFewestCompared)
    return fmt::format("it ran in {} rounds of {}, {} are needed", log_ratios.present, side.name,
                       kFewestCompared);
  const bool mostly_quiet = log_ratios.quiet >= kMostlyQuiet * log_ratios.present;
  if (!log_ratios.only_quiet && !mostly_quiet)
    return fmt::format("{} of its {} rounds in {} were quiet", log_ratios.quiet, log_ratios.present,
                       side.name);
  if (const auto drift = drift_of(log_ratios.all(), kSteady))
    return fmt::format("it moved by {:.1f} % against the reference program within {}",
                       100 * std::abs(*drift), side.name);
  return {};
}

// Standard error of the reference's own level in this session.
StandardError wander_of(const RoundSeries& reference) {
  std::vector<double> logs;
  for (const double level : reference.all()) logs.push_back(std::log(level));
  const auto location = locate(logs);
  return location ? error_of(*location) : StandardError{};
}

std::vector<Regular> regulars_of(const Side& side) {
  constexpr double kMost = 0.5;  // of the rounds of the reference
  const int most =
      static_cast<int>(std::ceil(kMost * level_series(side.rounds, kReference).present));
  std::vector<Regular> regulars;
  const auto add = [&](TrialId trial, const RoundSeries& series) {
    if (series.present < std::max(most, kFewestRounds)) return;
    const double usual = midmean(series.all());
    Regular regular{trial, series.values};
    for (auto& value : regular.off)
      if (value) *value -= usual;
    regulars.push_back(std::move(regular));
  };
  for (const Trial& trial : side.conclusion->trials)
    add(trial.id, log_ratio_series(side.rounds, kReference, trial.id));
  add(0, log_ratio_series(side.rounds, kReference, kOtherReference));
  return regulars;
}

}  // namespace

Side side_of(const Compared& compared, std::string name, std::uint64_t seed) {
  Side side;
  side.name = std::move(name);
  side.anchor = compared.conclusion.anchor;
  side.conclusion = &compared.conclusion;
  for (const Observation& observation : compared.record.observations)
    if (const auto* round = std::get_if<Round>(&observation.what))
      side.rounds.push_back(visit_medians(*round));
  const int count = static_cast<int>(side.rounds.size());
  const int block = rounds_together(level_series(side.rounds, kReference).all(), count);
  if (count >= kFewestRounds) side.resampled = resamplings(count, seed, block);
  side.reference = reference_level(side.rounds, all_indices(count), kReference);
  side.regulars = regulars_of(side);
  if (const auto other = reference_level(side.rounds, all_indices(count), kOtherReference);
      other && side.reference)
    side.control = std::log(*other / *side.reference);
  return side;
}

std::optional<Figure> figure_of(const Side& side, TrialId trial, bool relative) {
  const Levels levels{Leveller(side.rounds, side.anchor, trial),
                      level_series(side.rounds, kReference)};
  const auto all = all_indices(static_cast<int>(side.rounds.size()));
  const auto log_level = levels.at(all, relative);
  if (!log_level) return std::nullopt;
  Figure figure;
  figure.log = figure.by_level = *log_level;
  std::vector<double> replicates;
  for (const auto& picked : side.resampled)
    if (const auto replicate = levels.at(picked, relative)) replicates.push_back(*replicate);
  figure.level_error = spread(replicates);
  if (!relative) {
    if (!replicates.empty())
      figure.errors = {{figure.level_error, static_cast<int>(side.rounds.size()) - 1}};
    return figure;
  }
  const RoundSeries log_ratios = log_ratio_series(side.rounds, kReference, trial);
  if (log_ratios.present == 0) return std::nullopt;
  set_by_round(figure, side, trial, log_ratios);
  if (!figure.errors.empty()) {
    const StandardError wander = wander_of(levels.reference);
    figure.errors.push_back({kUnequal * wander.size, wander.freedom});
  }
  figure.doubt = doubt_of(side, log_ratios);
  return figure;
}

}  // namespace batchtune

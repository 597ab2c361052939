// See rounds.h.
#include "tuner/statistics/rounds.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <utility>

#include "tuner/statistics/correlation.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

constexpr double kUndisturbed = 0.10;

struct Figure {
  double value = 0;
  bool disturbed = false;
};

// `figure_in(round)`: an optional Figure.
template <typename FigureIn>
RoundSeries series_of(std::span<const RoundMedians> rounds, FigureIn figure_in) {
  std::vector<std::optional<Figure>> figures;
  RoundSeries series;
  for (const RoundMedians& round : rounds) {
    figures.push_back(figure_in(round));
    series.present += figures.back().has_value();
    series.quiet += figures.back() && !figures.back()->disturbed;
  }
  series.only_quiet = series.quiet >= kFewestQuiet && series.quiet >= kQuietShare * series.present;
  for (const auto& figure : figures) {
    const bool used = figure && !(series.only_quiet && figure->disturbed);
    series.values.push_back(used ? std::optional(figure->value) : std::nullopt);
  }
  return series;
}

std::optional<Figure> level_figure(const VisitMedian* visit) {
  if (!visit) return std::nullopt;
  return Figure{visit->median, visit->disturbed};
}

std::optional<Figure> ratio_figure(const VisitMedian* base, const VisitMedian* visit) {
  if (!base || !visit) return std::nullopt;
  return Figure{std::log(visit->median / base->median), base->disturbed || visit->disturbed};
}

}  // namespace

std::span<const Seconds> timed_of(const Visit& visit) {
  const auto warm = std::min(visit.seconds.size(), static_cast<std::size_t>(visit.warm));
  return std::span(visit.seconds).subspan(warm);
}

namespace {

// What the instances of one program did in a round.
struct Seen {
  std::map<int, std::vector<double>> samples;  // by instance
  bool disturbed = false;

  double harmonic_median() const {
    if (samples.size() == 1) return median(samples.begin()->second);  // as it is, to the last bit
    double rate = 0;
    for (const auto& [instance, own] : samples) rate += 1 / median(own);
    return static_cast<double>(samples.size()) / rate;
  }
};

}  // namespace

RoundMedians visit_medians(const Round& round) {
  std::map<std::pair<TrialId, std::string>, Seen> programs;
  for (const Visit& visit : round.visits) {
    const auto seconds = timed_of(visit);
    if (seconds.empty()) continue;
    Seen& seen = programs[{visit.trial, visit.reference}];
    auto& samples = seen.samples[visit.instance];
    samples.insert(samples.end(), seconds.begin(), seconds.end());
    seen.disturbed |= visit.disturbed;
  }
  RoundMedians medians;
  for (const auto& [who, seen] : programs)
    medians.push_back({who.first, who.second, seen.harmonic_median(), seen.disturbed});
  return medians;
}

const VisitMedian* find_visit(const RoundMedians& round, TrialId trial) {
  for (const VisitMedian& visit : round)
    if (visit.trial == trial && visit.reference.empty()) return &visit;
  return nullptr;
}

const VisitMedian* find_visit(const RoundMedians& round, std::string_view reference) {
  for (const VisitMedian& visit : round)
    if (visit.reference == reference) return &visit;
  return nullptr;
}

std::vector<double> RoundSeries::all() const {
  std::vector<double> result;
  for (const auto& value : values)
    if (value) result.push_back(*value);
  return result;
}

std::vector<double> RoundSeries::at(std::span<const int> picked) const {
  std::vector<double> result;
  result.reserve(picked.size());
  for (const int index : picked)
    if (const auto& value = values[static_cast<std::size_t>(index)]) result.push_back(*value);
  return result;
}

RoundSeries level_series(std::span<const RoundMedians> rounds, TrialId trial) {
  return series_of(
      rounds, [&](const RoundMedians& round) { return level_figure(find_visit(round, trial)); });
}

RoundSeries level_series(std::span<const RoundMedians> rounds, std::string_view reference) {
  return series_of(rounds, [&](const RoundMedians& round) {
    return level_figure(find_visit(round, reference));
  });
}

RoundSeries log_ratio_series(std::span<const RoundMedians> rounds, TrialId base, TrialId trial) {
  return series_of(rounds, [&](const RoundMedians& round) {
    return ratio_figure(find_visit(round, base), find_visit(round, trial));
  });
}

RoundSeries log_ratio_series(std::span<const RoundMedians> rounds, std::string_view reference,
                             TrialId trial) {
  return series_of(rounds, [&](const RoundMedians& round) {
    return ratio_figure(find_visit(round, reference), find_visit(round, trial));
  });
}

RoundSeries log_ratio_series(std::span<const RoundMedians> rounds, std::string_view reference,
                             std::string_view other) {
  return series_of(rounds, [&](const RoundMedians& round) {
    return ratio_figure(find_visit(round, reference), find_visit(round, other));
  });
}

std::optional<Seconds> undisturbed_of(std::span<const double> medians) {
  if (medians.empty()) return std::nullopt;
  return quantile(medians, kUndisturbed);
}

Leveller::Leveller(std::span<const RoundMedians> rounds, TrialId anchor, TrialId trial)
    : is_anchor_(anchor != 0 && trial == anchor), own_(level_series(rounds, trial)) {
  if (anchor == 0 || is_anchor_) return;
  anchor_ = level_series(rounds, anchor);
  log_ratios_ = log_ratio_series(rounds, anchor, trial);
}

std::optional<Level> Leveller::at(std::span<const int> picked) const {
  if (log_ratios_.present > 0) {
    const auto anchor = undisturbed_of(anchor_.at(picked));
    const auto logs = log_ratios_.at(picked);
    if (anchor && !logs.empty()) {
      const double ratio = std::exp(midmean(logs));
      return Level{*anchor * ratio, ratio};
    }
  }
  const auto own = undisturbed_of(own_.at(picked));
  if (!own) return std::nullopt;
  return Level{*own, is_anchor_ ? std::optional(1.0) : std::nullopt};
}

std::optional<Level> level_of(std::span<const RoundMedians> rounds, std::span<const int> picked,
                              TrialId anchor, TrialId trial) {
  return Leveller(rounds, anchor, trial).at(picked);
}

int rounds_together(std::span<const double> levels, int rounds) {
  constexpr int kFewestBlocks = 4;  // longer ones leave nothing to resample
  std::vector<double> logs;
  for (const double level : levels) logs.push_back(std::log(level));
  const int together = static_cast<int>(std::lround(integrated_autocorrelation(logs)));
  return std::clamp(together, 1, std::max(1, rounds / kFewestBlocks));
}

std::optional<Interval> level_interval(std::span<const RoundMedians> rounds, TrialId anchor,
                                       TrialId trial) {
  if (level_series(rounds, trial).present < kFewestRounds) return std::nullopt;
  const int n = static_cast<int>(rounds.size());
  const Leveller leveller(rounds, anchor, trial);
  const int block = rounds_together(level_series(rounds, anchor != 0 ? anchor : trial).all(), n);
  std::vector<double> replicates;
  for (const auto& picked : resamplings(n, kResampleSeed, block))
    if (const auto level = leveller.at(picked)) replicates.push_back(level->undisturbed);
  return percentile_interval(replicates);
}

std::optional<Seconds> reference_level(std::span<const RoundMedians> rounds,
                                       std::span<const int> picked, std::string_view reference) {
  return undisturbed_of(level_series(rounds, reference).at(picked));
}

PairedRatio paired_ratio(std::span<const RoundMedians> rounds, TrialId base, TrialId trial) {
  const RoundSeries series = log_ratio_series(rounds, base, trial);
  const auto logs = series.all();
  if (logs.empty()) return {};
  PairedRatio result;
  result.ratio = std::exp(midmean(logs));
  result.shared = series.present;
  result.used = static_cast<int>(logs.size());
  if (const auto location = locate(logs)) {
    const Interval interval = location->interval();
    result.ci95 = Interval{std::exp(interval.low), std::exp(interval.high)};
  }
  return result;
}

}  // namespace batchtune

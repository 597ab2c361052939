// See figure.h. Two ways lead from rounds to a figure: levels forget when a visit was, pairs do
// not. Each fails on disturbances that the other survives, so both are taken and held against each
// other (compare.cpp).
#include "tuner/track/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tuner/statistics/correlation.h"
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

struct Readers {
  Leveller level;
  RoundSeries reference, log_ratios;

  std::optional<Logs> at(std::span<const int> picked, bool relative) const {
    const auto own = level.at(picked);
    if (!own) return std::nullopt;
    const double log_level = std::log(own->undisturbed);
    if (!relative) return Logs{log_level, log_level};
    const auto base = undisturbed_of(reference.at(picked));
    const auto logs = log_ratios.at(picked);
    if (!base || logs.empty()) return std::nullopt;
    return Logs{log_level - std::log(*base), midmean(logs)};
  }
};

std::string doubt_of(const Side& side, const RoundSeries& log_ratios) {
  if (log_ratios.present < kFewestQuiet)
    return fmt::format("it ran in {} rounds of {}, {} are needed", log_ratios.present, side.name,
                       kFewestQuiet);
  if (!log_ratios.only_quiet)
    return fmt::format("{} of its {} rounds in {} were quiet", log_ratios.quiet, log_ratios.present,
                       side.name);
  if (const auto drift = drift_of(log_ratios.all(), kSteady))
    return fmt::format("it moved by {:.1f} % against the reference program within {}",
                       100 * std::abs(*drift), side.name);
  return {};
}

// Standard error of the reference's own level in this session.
double wander_of(const RoundSeries& reference) {
  std::vector<double> logs;
  for (const double level : reference.all()) logs.push_back(std::log(level));
  const auto location = locate(logs);
  return location ? location->error : 0;
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
  if (count >= kFewestRounds) side.resampled = resamplings(count, seed);
  side.reference = reference_level(side.rounds, all_indices(count), kReference);
  return side;
}

std::optional<Figure> figure_of(const Side& side, TrialId trial, bool relative) {
  const Readers readers{Leveller(side.rounds, side.anchor, trial),
                        level_series(side.rounds, kReference),
                        log_ratio_series(side.rounds, kReference, trial)};
  const auto all = all_indices(static_cast<int>(side.rounds.size()));
  const auto logs = readers.at(all, relative);
  if (!logs) return std::nullopt;
  Figure figure;
  figure.logs = *logs;
  for (const auto& picked : side.resampled)
    if (const auto replicate = readers.at(picked, relative))
      figure.replicates.push_back(*replicate);
  const int used = static_cast<int>(relative ? readers.log_ratios.all().size() : all.size());
  figure.freedom =
      std::max(1, used - 2 * static_cast<int>(cut_off(static_cast<std::size_t>(used))) - 1);
  if (!relative) return figure;
  figure.inflation = variance_inflation(readers.log_ratios.all());
  figure.unequal = kUnequal * wander_of(readers.reference);
  figure.doubt = doubt_of(side, readers.log_ratios);
  return figure;
}

}  // namespace batchtune

// See compare.h.
#include "tuner/track/compare.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/resample.h"
#include "tuner/track/differences.h"

namespace batchtune {
namespace {

// The cache-resident loop: its undisturbed level follows the machine's best of all (a DRAM loop is
// bad).
constexpr const char* kReference = "cache";

// Undisturbed over undisturbed of the same program differs by 0.4 to 0.9 % between sessions for no
// reason that rounds could tell: two standard deviations are added to what they do tell.
constexpr double kBetweenSessions = 0.018;

// The rounds of one session, read once.
struct Side {
  std::vector<RoundMedians> rounds;
  std::vector<std::vector<int>> resampled;
  TrialId anchor = 0;
  const Conclusion* conclusion = nullptr;
};

Side side_of(const Compared& compared, std::uint64_t seed) {
  Side side;
  side.anchor = compared.conclusion.anchor;
  side.conclusion = &compared.conclusion;
  for (const Observation& observation : compared.record.observations)
    if (const auto* round = std::get_if<Round>(&observation.what))
      side.rounds.push_back(visit_medians(*round));
  if (static_cast<int>(side.rounds.size()) >= kFewestRounds)
    side.resampled = resamplings(static_cast<int>(side.rounds.size()), seed);
  return side;
}

// Undisturbed latency over the picked rounds, in units of the reference's where `relative`.
std::optional<double> figure(const Side& side, std::span<const int> picked, TrialId trial,
                             bool relative) {
  const auto level = level_of(side.rounds, picked, side.anchor, trial);
  if (!level) return std::nullopt;
  if (!relative) return level->undisturbed;
  const auto reference = reference_level(side.rounds, picked, kReference);
  if (!reference) return std::nullopt;
  return level->undisturbed / *reference;
}

bool has_reference(const Side& side) {
  const auto all = all_indices(static_cast<int>(side.rounds.size()));
  return reference_level(side.rounds, all, kReference).has_value();
}

std::optional<Interval> interval_of(const Side& base, TrialId base_trial, const Side& now,
                                    TrialId now_trial, bool relative, double ratio) {
  std::vector<double> logs;
  for (std::size_t i = 0; i < std::min(base.resampled.size(), now.resampled.size()); ++i) {
    const auto before = figure(base, base.resampled[i], base_trial, relative);
    const auto after = figure(now, now.resampled[i], now_trial, relative);
    if (before && after) logs.push_back(std::log(*after / *before));
  }
  const auto interval = percentile_interval(logs);
  if (!interval) return std::nullopt;
  const double centre = std::log(ratio);
  return Interval{
      std::exp(centre - std::hypot(std::max(0.0, centre - interval->low), kBetweenSessions)),
      std::exp(centre + std::hypot(std::max(0.0, interval->high - centre), kBetweenSessions))};
}

PairVerdict verdict_of(const ComparedPair& pair, bool relative, double threshold) {
  if (!relative || !pair.ci95) return PairVerdict::inconclusive;
  if (pair.ratio > 1 + threshold && pair.ci95->low > 1) return PairVerdict::slower;
  if (pair.ratio < 1 / (1 + threshold) && pair.ci95->high < 1) return PairVerdict::faster;
  const bool within = pair.ci95->low >= 1 / (1 + threshold) && pair.ci95->high <= 1 + threshold;
  return within ? PairVerdict::same : PairVerdict::inconclusive;
}

std::optional<ComparedPair> pair_of(const Side& base, const Trial& before, const Side& now,
                                    const Trial& after, bool relative, double threshold) {
  const auto all_before = all_indices(static_cast<int>(base.rounds.size()));
  const auto all_after = all_indices(static_cast<int>(now.rounds.size()));
  const auto first = figure(base, all_before, before.id, relative);
  const auto second = figure(now, all_after, after.id, relative);
  if (!first || !second) return std::nullopt;
  ComparedPair pair;
  pair.candidate = before.candidate;
  pair.metric = "latency";
  pair.base = before.measurement->undisturbed;
  pair.now = after.measurement->undisturbed;
  pair.ratio = *second / *first;
  pair.ci95 = interval_of(base, before.id, now, after.id, relative, pair.ratio);
  pair.verdict = verdict_of(pair, relative, threshold);
  return pair;
}

void add_pairs(Comparison& comparison, const Side& base, const Side& now) {
  for (const Trial& before : base.conclusion->trials)
    for (const Trial& after : now.conclusion->trials) {
      if (before.candidate != after.candidate || !before.measurement || !after.measurement)
        continue;
      if (auto pair =
              pair_of(base, before, now, after, comparison.by_reference, comparison.threshold))
        comparison.pairs.push_back(std::move(*pair));
    }
  std::sort(comparison.pairs.begin(), comparison.pairs.end(),
            [](const ComparedPair& a, const ComparedPair& b) { return a.candidate < b.candidate; });
}

std::optional<std::int64_t> best_batch(const Conclusion& conclusion) {
  if (!conclusion.best) return std::nullopt;
  return conclusion.best->batch;
}

// Of the first group that both sessions have a boundary for. A boundary shrinks only under the same
// limit: the default limit is what the machine had free.
void add_boundary(Comparison& comparison, const Compared& base, const Compared& now) {
  for (const Boundary& before : base.conclusion.boundaries)
    for (const Boundary& after : now.conclusion.boundaries) {
      if (before.group != after.group || comparison.base_boundary) continue;
      if (!before.largest_fitting || !after.largest_fitting) continue;
      comparison.base_boundary = before.largest_fitting;
      comparison.new_boundary = after.largest_fitting;
      if (base.record.header.wishes.memory_limit != now.record.header.wishes.memory_limit) continue;
      const bool exact = before.kind == BoundaryKind::probed && after.kind == BoundaryKind::probed;
      const double slack = exact ? 0 : comparison.threshold;  // predictions move by the fit's error
      comparison.shrank = static_cast<double>(*after.largest_fitting) <
                          static_cast<double>(*before.largest_fitting) * (1 - slack);
    }
}

}  // namespace

Comparison compare(const Compared& base, const Compared& now, double threshold) {
  const SessionHeader& before = base.record.header;
  const SessionHeader& after = now.record.header;
  Comparison comparison;
  comparison.threshold = threshold;
  comparison.differences = differences_of(before, after);
  comparison.base_batch = best_batch(base.conclusion);
  comparison.new_batch = best_batch(now.conclusion);
  comparison.moved = comparison.base_batch != comparison.new_batch;
  if (before.model.hash != after.model.hash || before.simulated != after.simulated) {
    comparison.comparable = false;
    return comparison;
  }
  const Side first = side_of(base, 1), second = side_of(now, 2);  // resampled independently
  // On other CPUs the same reference program is another one.
  comparison.by_reference = !before.reference_hash.empty() &&
                            before.reference_hash == after.reference_hash &&
                            reference_cpus(before) == reference_cpus(after) &&
                            has_reference(first) && has_reference(second);
  add_pairs(comparison, first, second);
  add_boundary(comparison, base, now);
  if (comparison.pairs.empty()) {
    comparison.comparable = comparison.shrank;
    comparison.differences.push_back("no candidate was measured in both sessions");
  }
  return comparison;
}

}  // namespace batchtune

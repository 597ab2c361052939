// See compare.h.
#include "tuner/track/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tuner/statistics/interval.h"
#include "tuner/track/change.h"
#include "tuner/track/differences.h"
#include "tuner/track/figure.h"

namespace batchtune {
namespace {

// Claims (slower, faster) about any of the pairs may be wrong in 1 % of comparisons, however many
// pairs there are (Bonferroni): a tenth of that, since the noise itself is only estimated.
constexpr double kClaimConfidence = 0.999;

// "same" tests both ends of the threshold, each at 95 %: the middle 90 % must lie within.
constexpr double kSameConfidence = 0.90;

// Beyond, the machine itself was another one: disturbed all the time, or throttled.
constexpr double kSameMachine = 1.25;

// What the two reference programs say of the machine's change differs by less than 1 % where
// nothing disturbs either of them.
constexpr double kReferencesAgree = 0.02;

// DRAM's rate wanders between minutes by 10 to 20 % on shared machines: as a standard deviation.
constexpr double kMemoryWander = 0.10;

// Up to this many times the largest batch that the roofline calls memory-bound, memory still takes
// a quarter of the time where it does not overlap with computing.
constexpr std::int64_t kNearMemory = 3;

// A pair on its way: how many there are must be known before one is judged.
struct Judged {
  ComparedPair pair;
  Change change;
  std::array<std::string, 2> doubts;  // of the two figures
  bool memory_bound = false;
};

// Whether memory's rate matters, by the roofline of either session.
bool is_memory_bound(const SessionHeader& header, const Candidate& candidate) {
  std::int64_t largest = 0;
  for (const Estimate& estimate : header.estimates)
    if (estimate.group == candidate.group)
      for (const PointEstimate& point : estimate.curve)
        if (point.bound == Bound::memory) largest = std::max(largest, point.batch);
  return candidate.batch <= kNearMemory * largest;
}

// Why nothing can be said whatever the figures are; empty: something can.
std::string doubt_of(const Judged& judged, const Side& base, const Side& now) {
  const std::string few = fmt::format("fewer than {} rounds in one of the sessions", kFewestRounds);
  if (static_cast<int>(std::min(base.rounds.size(), now.rounds.size())) < kFewestRounds) return few;
  for (const std::string& doubt : judged.doubts)
    if (!doubt.empty()) return doubt;
  if (!judged.change.known) return few;
  const double machine = *now.reference / *base.reference;
  if (machine > kSameMachine || machine < 1 / kSameMachine)
    return fmt::format("the reference program itself took {:.2f} x as long in {}", machine,
                       now.name);
  if (base.control && now.control) {
    const double apart = *now.control - *base.control;
    if (std::abs(apart) > kReferencesAgree)
      return fmt::format(
          "the reference programs differ by {:.1f} % from each other between the "
          "sessions: one of them was disturbed",
          100 * std::expm1(std::abs(apart)));
  }
  return {};
}

// The memory's doubt holds for claims alone: that a program changed by just what the memory changed
// by, the other way round, is not believed.
void judge(Judged& judged, double threshold, std::size_t pairs) {
  ComparedPair& pair = judged.pair;
  const Change& change = judged.change;
  const double allowed = std::log1p(threshold), size = std::abs(change.log_ratio);
  const double claim = change.reach(kClaimConfidence, pairs);
  const double memory =
      judged.memory_bound ? kMemoryWander * normal_quantile(0.5 + kClaimConfidence / 2) : 0;
  if (size > std::max(allowed, std::hypot(claim, memory))) {
    pair.verdict = change.log_ratio > 0 ? PairVerdict::slower : PairVerdict::faster;
  } else if (size + change.reach(kSameConfidence) <= allowed) {
    pair.verdict = PairVerdict::same;
  } else if (judged.memory_bound && size > std::max(allowed, claim)) {
    pair.reason = fmt::format(
        "memory-bound: no reference program follows the memory's rate, which differs by {:.0f} % "
        "between sessions",
        100 * kMemoryWander);
  } else if (size > allowed) {
    pair.reason = fmt::format("beyond the threshold, but not beyond the noise of +-{:.1f} %",
                              100 * std::expm1(claim));
  } else {
    pair.reason = fmt::format("known to +-{:.1f} %: a change of {:.1f} % is not excluded",
                              100 * std::expm1(change.reach(kConfidence)), 100 * threshold);
  }
}

std::optional<Judged> pair_of(const Side& base, const Trial& before, const Side& now,
                              const Trial& after, bool relative) {
  const auto first = figure_of(base, before.id, relative);
  const auto second = figure_of(now, after.id, relative);
  if (!first || !second) return std::nullopt;
  Judged judged;
  judged.change = change_of(*first, *second);
  judged.doubts = {first->doubt, second->doubt};
  ComparedPair& pair = judged.pair;
  pair.candidate = before.candidate;
  pair.metric = "latency";
  pair.base = before.measurement->undisturbed;
  pair.now = after.measurement->undisturbed;
  const double log_ratio = judged.change.log_ratio;
  pair.ratio = std::exp(log_ratio);
  if (judged.change.known) {
    const double reach = judged.change.reach(kConfidence);
    pair.ci95 = Interval{std::exp(log_ratio - reach), std::exp(log_ratio + reach)};
  }
  return judged;
}

void add_pairs(Comparison& comparison, const Side& base, const Side& now,
               const std::array<const SessionHeader*, 2>& headers) {
  std::vector<Judged> found;
  for (const Trial& before : base.conclusion->trials)
    for (const Trial& after : now.conclusion->trials) {
      if (before.candidate != after.candidate || !before.measurement || !after.measurement)
        continue;
      auto judged = pair_of(base, before, now, after, comparison.by_reference);
      if (!judged) continue;
      for (const SessionHeader* header : headers)
        judged->memory_bound |= is_memory_bound(*header, before.candidate);
      found.push_back(std::move(*judged));
    }
  std::size_t certain = 0;  // pairs that a claim can be made of
  for (Judged& judged : found) {
    judged.pair.reason = comparison.by_reference
                             ? doubt_of(judged, base, now)
                             : "the sessions have no reference program in common";
    certain += judged.pair.reason.empty();
  }
  for (Judged& judged : found) {
    ComparedPair& pair = judged.pair;
    if (pair.reason.empty()) judge(judged, comparison.threshold, certain);
    comparison.pairs.push_back(std::move(pair));
  }
  std::sort(comparison.pairs.begin(), comparison.pairs.end(),
            [](const ComparedPair& a, const ComparedPair& b) { return a.candidate < b.candidate; });
}

std::optional<std::int64_t> best_batch(const Conclusion& conclusion) {
  if (!conclusion.best) return std::nullopt;
  return conclusion.best->batch;
}

std::optional<CandidateGroup> best_group(const Conclusion& conclusion) {
  if (conclusion.best)
    for (const Trial& trial : conclusion.trials)
      if (trial.id == conclusion.best->trial) return trial.candidate.group;
  return std::nullopt;
}

bool is_exact(const Boundary& boundary) {
  return boundary.kind == BoundaryKind::probed && boundary.exact;
}

bool same_limit(const Compared& base, const Compared& now) {
  return base.record.header.wishes.memory_limit == now.record.header.wishes.memory_limit;
}

// Candidates that were ok in the base session and ended badly in the new one. Out of memory counts
// under the same limit only: the default limit is what the machine had free.
void add_endings(Comparison& comparison, const Compared& base, const Compared& now) {
  for (const Trial& before : base.conclusion.trials)
    for (const Trial& after : now.conclusion.trials) {
      const TrialStatus status = after.ending.status;
      const bool bad = status == TrialStatus::crashed || status == TrialStatus::wrong_result ||
                       status == TrialStatus::failed || status == TrialStatus::out_of_memory;
      if (before.candidate != after.candidate || before.ending.status != TrialStatus::ok || !bad)
        continue;
      comparison.differences.push_back(fmt::format("{}, batch {}: ok -> {}",
                                                   before.candidate.group.backend,
                                                   before.candidate.batch, name_of(status)));
      comparison.broke |= status != TrialStatus::out_of_memory || same_limit(base, now);
    }
}

// Of the first group whose boundary shrank, or else of the first that both sessions have one for. A
// boundary shrinks only under the same limit: the default limit is what the machine had free.
void add_boundary(Comparison& comparison, const Compared& base, const Compared& now) {
  for (const Boundary& before : base.conclusion.boundaries)
    for (const Boundary& after : now.conclusion.boundaries) {
      if (before.group != after.group || comparison.shrank) continue;
      if (!before.largest_fitting || !after.largest_fitting) continue;
      const bool exact = is_exact(before) && is_exact(after);
      // Predictions move by the fit's error, bands by what allocators and stacks take.
      const double slack = exact ? 0 : comparison.threshold;
      comparison.shrank =
          same_limit(base, now) && static_cast<double>(*after.largest_fitting) <
                                       static_cast<double>(*before.largest_fitting) * (1 - slack);
      if (comparison.base_boundary && !comparison.shrank) continue;
      comparison.base_boundary = before.largest_fitting;
      comparison.new_boundary = after.largest_fitting;
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
  comparison.base_quiet_share = base.conclusion.quiet_share;
  comparison.new_quiet_share = now.conclusion.quiet_share;
  comparison.base_group = best_group(base.conclusion);
  comparison.new_group = best_group(now.conclusion);
  comparison.moved = comparison.base_batch != comparison.new_batch ||
                     comparison.base_group != comparison.new_group;
  if (before.model.hash != after.model.hash || before.simulated != after.simulated) {
    comparison.comparable = false;
    return comparison;
  }
  const Side first = side_of(base, "the base session", 1);  // resampled independently
  const Side second = side_of(now, "the new session", 2);
  // On other CPUs the same reference program is another one.
  comparison.by_reference =
      !before.reference_hash.empty() && before.reference_hash == after.reference_hash &&
      reference_cpus(before) == reference_cpus(after) && first.reference && second.reference;
  add_pairs(comparison, first, second, {&before, &after});
  add_endings(comparison, base, now);
  add_boundary(comparison, base, now);
  if (comparison.pairs.empty()) {
    comparison.comparable = comparison.shrank || comparison.broke;
    comparison.differences.push_back("no candidate was measured in both sessions");
  }
  return comparison;
}

}  // namespace batchtune

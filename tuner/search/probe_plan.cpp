// See probe_plan.h.
#include "tuner/search/probe_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/boundary.h"
#include "tuner/search/scan_view.h"

namespace batchtune {
namespace {

// The limit that probes run under: only a probed boundary needs one, a plain measurement does not.
std::optional<Bytes> limit_of(const Problem& problem) {
  return problem.boundary == BoundaryWish::probed ? problem.wishes.memory_limit : std::nullopt;
}

// What a solo worker takes besides its run: as long as the longest so far, without theirs.
Seconds setup_seconds(const Ledger& ledger, const CandidateGroup& group) {
  Seconds longest = 0;
  for (const Probe& probe : ledger.probes(group))
    longest = std::max(longest,
                       probe.seconds - std::max(probe.soak, ledger.run_seconds(probe.candidate)));
  return longest;
}

// Kept for the soak, unless that would take most of the budget.
Seconds soak_reserve(const Problem& problem) {
  return 2 * problem.soak <= problem.budget.probing ? problem.soak : 0;
}

bool is_safe(const Ledger& ledger, const Problem& problem, const Candidate& candidate,
             std::optional<Bytes> limit) {
  return !is_unsafe(ledger.predicted_memory(candidate).value_or(0), problem.safe_memory, limit,
                    ledger.probes(candidate.group));
}

bool affordable(const Ledger& ledger, const Problem& problem, const Candidate& candidate) {
  return setup_seconds(ledger, candidate.group) + ledger.run_seconds(candidate) <=
         ledger.probing_left() - soak_reserve(problem);
}

// A probe compiles as a preparation does, but for what is compiled: where compilations are counted
// there are no others.
bool is_compiled(const Ledger& ledger, const Candidate& candidate) {
  return !ledger.compiles().counted(candidate.group) || ledger.compiles().is_paid(candidate);
}

// The next batch towards the boundary of a group; nullopt: it is known, or not to be known.
std::optional<std::int64_t> next_outwards(const Ledger& ledger, const Problem& problem,
                                          const CandidateGroup& group, Bytes limit) {
  const auto& probes = ledger.probes(group);
  const auto limiter = limiter_under(probes, limit);
  if (!limiter || *limiter == LimiterKind::none || is_puzzling(probes, limit)) return std::nullopt;
  if (const auto batch = next_to_verify(problem.ceilings, group, probes, limit)) return batch;
  const auto line = memory_line(probes);
  const auto predicted = line ? largest_on_line(*line, limit) : std::nullopt;
  if (is_exact(*limiter))
    return next_in_bracket(bracket_of(probes, limit), predicted, problem.largest_batch);
  if (is_verified(problem.ceilings, group, probes, limit)) return std::nullopt;
  return next_in_band(band_of(probes, limit), predicted, problem.largest_batch);
}

std::optional<AskProbe> towards_boundary(const Ledger& ledger, const Problem& problem) {
  const auto limit = limit_of(problem);
  if (!limit) return std::nullopt;
  for (const Estimate& estimate : problem.groups) {
    const auto batch = next_outwards(ledger, problem, estimate.group, *limit);
    if (!batch) continue;
    const auto line = memory_line(ledger.probes(estimate.group));
    const auto predicted = line ? largest_on_line(*line, *limit) : std::nullopt;
    const bool outwards = predicted && *batch > *predicted;  // most fail before they run
    if (takes_too_long(outwards ? *batch / 2 : *batch, ledger.seconds_per_sample(estimate.group)))
      continue;
    const Candidate candidate{estimate.group, *batch};
    if (is_compiled(ledger, candidate) && is_safe(ledger, problem, candidate, limit) &&
        affordable(ledger, problem, candidate))
      return AskProbe{{candidate, limit}};
  }
  return std::nullopt;
}

// Once for the chosen one, again when that was unstable; when it fails another one is chosen, and
// soaked as well.
std::optional<AskProbe> soak(const Ledger& ledger, const Problem& problem, TrialId chosen) {
  if (problem.soak <= 0 || chosen == 0) return std::nullopt;
  const Candidate& candidate = ledger.at(chosen).candidate;
  const auto limit = problem.wishes.memory_limit;
  const Soaks soaks = soaks_of(ledger.probes(candidate.group), candidate.batch, limit);
  const bool soaked = soaks.made >= kUnstableSoaks || soaks.made > soaks.unstable;
  const Seconds cost = setup_seconds(ledger, candidate.group) +
                       std::max(problem.soak, ledger.run_seconds(candidate));
  if (soaked || cost > ledger.probing_left() || !is_safe(ledger, problem, candidate, limit))
    return std::nullopt;
  return AskProbe{{candidate, limit, problem.soak}};
}

}  // namespace

SmallestCheck check_smallest(const Ledger& ledger, const Problem& problem) {
  SmallestCheck check;
  if (!problem.wishes.memory_limit) return check;
  const Bytes limit = *problem.wishes.memory_limit;
  bool fits = false;
  for (const Estimate& estimate : problem.groups) {
    const Candidate smallest{estimate.group, smallest_batch(problem)};
    const auto& probes = ledger.probes(estimate.group);
    if (!is_safe(ledger, problem, smallest, limit)) {
      check.why_not = fmt::format(
          "batch {} is predicted to need {}, which is not safe where no limit holds a process",
          smallest.batch, format_bytes(ledger.predicted_memory(smallest).value_or(0)));
    } else if (!ledger.fits(smallest) && probes.empty()) {
      check.ask = AskProbe{{smallest, limit}};
      return check;
    } else if (bracket_of(probes, limit).fails) {
      check.why_not = fmt::format("not even batch {} fits in {}", smallest.batch,
                                  format_bytes(static_cast<double>(limit)));
    } else {
      fits = true;
    }
  }
  if (fits) check.why_not.clear();
  return check;
}

// Of what is compiled: the smallest, the middle and the largest that ran.
std::vector<std::int64_t> compiled_points(const Ledger& ledger, const CandidateGroup& group,
                                          std::int64_t middle) {
  std::vector<std::int64_t> batches;
  for (const Entry* entry : entries_of(ledger, group))
    if (entry->ok()) batches.push_back(entry->candidate.batch);
  std::erase_if(batches, [&, all = batches](std::int64_t batch) {
    return batch != middle && batch != all.front() && batch != all.back();
  });
  return batches;
}

// Batch 1, the chosen one, and a larger one whose run is short, that is predicted to fit.
void ProbePlan::plan(const Ledger& ledger, const Problem& problem, TrialId chosen) {
  planned_ = true;
  for (const Estimate& estimate : problem.groups) {
    std::int64_t middle = 0;  // the group's own best where the chosen one is of another
    double best = 0;
    for (const Entry& entry : ledger.entries()) {
      if (entry.candidate.group != estimate.group || !entry.ok()) continue;
      if (entry.id != chosen && (ledger.rate(entry) <= best || !ledger.fits(entry.candidate)))
        continue;
      middle = entry.candidate.batch;
      best = ledger.rate(entry);
      if (entry.id == chosen) break;
    }
    if (ledger.compiles().counted(estimate.group)) {
      for (const std::int64_t batch : compiled_points(ledger, estimate.group, middle))
        points_.push_back({{estimate.group, batch}, false});
      continue;
    }
    std::vector<std::int64_t> batches{1};
    if (middle > 1) batches.push_back(middle);
    if (middle > 0) {
      const std::int64_t last = std::max<std::int64_t>(middle, 2);
      if (middle == 1) batches.push_back(2);
      for (const std::int64_t larger : {4 * last, 2 * last}) {
        const Candidate candidate{estimate.group, larger};
        const bool short_run =
            !takes_too_long(2 * larger, ledger.seconds_per_sample(estimate.group));
        if (larger > problem.largest_batch || !short_run || !ledger.fits(candidate)) continue;
        batches.push_back(larger);
        break;
      }
    }
    for (const std::int64_t batch : batches) points_.push_back({{estimate.group, batch}, false});
  }
}

std::optional<AskProbe> ProbePlan::next_point(const Ledger& ledger, const Problem& problem) {
  const auto limit = limit_of(problem);
  for (Point& point : points_) {
    if (point.asked) continue;
    point.asked = true;
    const auto& known = ledger.probes(point.candidate.group);
    const bool probed = std::any_of(known.begin(), known.end(), [&](const Probe& probe) {
      return probe.candidate == point.candidate && probe.limit == limit;
    });
    const auto fails = limit ? bracket_of(known, *limit).fails : std::nullopt;
    const bool hopeless = fails && point.candidate.batch >= *fails;
    if (!probed && !hopeless && is_safe(ledger, problem, point.candidate, limit) &&
        affordable(ledger, problem, point.candidate))
      return AskProbe{{point.candidate, limit}};
  }
  return std::nullopt;
}

std::optional<AskProbe> ProbePlan::next(const Ledger& ledger, const Problem& problem,
                                        TrialId chosen) {
  if (problem.boundary != BoundaryWish::none) {
    if (!planned_) plan(ledger, problem, chosen);
    if (auto ask = next_point(ledger, problem)) return ask;
    if (auto ask = towards_boundary(ledger, problem)) return ask;
  }
  return soak(ledger, problem, chosen);
}

}  // namespace batchtune

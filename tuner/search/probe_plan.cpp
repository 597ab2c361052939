// See probe_plan.h.
#include "tuner/search/probe_plan.h"

#include <algorithm>

#include "tuner/search/boundary.h"

namespace batchtune {
namespace {

// The limit that probes run under: only a probed boundary needs one, a plain measurement does not.
std::optional<Bytes> limit_of(const Problem& problem) {
  return problem.boundary == BoundaryWish::probed ? problem.wishes.memory_limit : std::nullopt;
}

std::optional<Seconds> per_sample(const Ledger& ledger, const CandidateGroup& group) {
  const Entry* largest = nullptr;
  for (const Entry& entry : ledger.entries()) {
    if (entry.candidate.group != group || !entry.first_run || !entry.ok()) continue;
    if (!largest || entry.candidate.batch > largest->candidate.batch) largest = &entry;
  }
  if (!largest) return std::nullopt;
  return *largest->first_run / static_cast<double>(largest->candidate.batch);
}

// What a solo worker takes besides its run: as long as the longest so far, without theirs.
Seconds setup_seconds(const Ledger& ledger, const CandidateGroup& group) {
  Seconds longest = 0;
  for (const Probe& probe : ledger.probes(group))
    longest = std::max(longest, probe.seconds - ledger.run_seconds(probe.candidate));
  return longest;
}

bool affordable(const Ledger& ledger, const Candidate& candidate) {
  return setup_seconds(ledger, candidate.group) + ledger.run_seconds(candidate) <=
         ledger.probing_left();
}

}  // namespace

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
    std::vector<std::int64_t> batches{1};
    if (middle > 1) batches.push_back(middle);
    if (middle > 0) {
      const std::int64_t last = std::max<std::int64_t>(middle, 2);
      if (middle == 1) batches.push_back(2);
      for (const std::int64_t larger : {4 * last, 2 * last}) {
        const Candidate candidate{estimate.group, larger};
        const bool short_run = !takes_too_long(2 * larger, per_sample(ledger, estimate.group));
        if (larger > problem.largest_batch || !short_run || !ledger.fits(candidate)) continue;
        batches.push_back(larger);
        break;
      }
    }
    for (const std::int64_t batch : batches) points_.push_back({{estimate.group, batch}, false});
  }
}

std::optional<AskProbe> ProbePlan::bracket(const Ledger& ledger, const Problem& problem) {
  const auto limit = limit_of(problem);
  if (!limit) return std::nullopt;
  for (const Estimate& estimate : problem.groups) {
    const auto& probes = ledger.probes(estimate.group);
    const bool puzzling = std::any_of(probes.begin(), probes.end(), [](const Probe& probe) {
      return probe.ending.status != TrialStatus::ok &&
             probe.ending.status != TrialStatus::out_of_memory;
    });
    if (puzzling || probes.empty()) continue;  // a crash or a hang says nothing about memory
    const auto line = memory_line(probes);
    const auto predicted = line ? largest_on_line(*line, *limit) : std::nullopt;
    const auto batch =
        next_in_bracket(bracket_of(probes, *limit), predicted, problem.largest_batch);
    if (!batch) continue;
    const bool outwards = predicted && *batch > *predicted;  // most fail before they run
    if (takes_too_long(outwards ? *batch / 2 : *batch, per_sample(ledger, estimate.group)))
      continue;
    const Candidate candidate{estimate.group, *batch};
    if (affordable(ledger, candidate)) return AskProbe{{candidate, limit}};
  }
  return std::nullopt;
}

std::optional<AskProbe> ProbePlan::next(const Ledger& ledger, const Problem& problem,
                                        TrialId chosen) {
  if (problem.boundary == BoundaryWish::none) return std::nullopt;
  if (!planned_) plan(ledger, problem, chosen);
  for (Point& point : points_) {
    if (point.asked) continue;
    point.asked = true;
    const auto limit = limit_of(problem);
    const auto& known = ledger.probes(point.candidate.group);
    const bool probed = std::any_of(known.begin(), known.end(), [&](const Probe& probe) {
      return probe.candidate == point.candidate && probe.limit == limit;
    });
    const auto fails = limit ? bracket_of(known, *limit).fails : std::nullopt;
    const bool hopeless = fails && point.candidate.batch >= *fails;
    if (!probed && !hopeless && affordable(ledger, point.candidate))
      return AskProbe{{point.candidate, limit}};
  }
  return bracket(ledger, problem);
}

}  // namespace batchtune

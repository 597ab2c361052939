// Fills the conclusion part by part. The formulas are elsewhere: levels and promises (statistics),
// front, boundary and verdict beside this file.
#include "tuner/search/conclude.h"

#include <algorithm>
#include <map>
#include <vector>

#include "tuner/search/boundary.h"
#include "tuner/search/effort.h"
#include "tuner/search/facts.h"
#include "tuner/search/front.h"
#include "tuner/search/recommend.h"
#include "tuner/search/shape.h"

namespace batchtune {
namespace {

// On the curve: at its batch, or between its neighbours; nothing beyond its ends.
std::optional<PointEstimate> estimate_at(const std::vector<PointEstimate>& curve,
                                         std::int64_t batch, int instances) {
  const auto above = std::lower_bound(
      curve.begin(), curve.end(), batch,
      [](const PointEstimate& point, std::int64_t wanted) { return point.batch < wanted; });
  if (above == curve.end()) return std::nullopt;
  if (above->batch == batch) return *above;
  if (above == curve.begin()) return std::nullopt;
  const PointEstimate& below = *(above - 1);
  const double share =
      static_cast<double>(batch - below.batch) / static_cast<double>(above->batch - below.batch);
  PointEstimate point = share < 0.5 ? below : *above;
  point.batch = batch;
  point.latency = below.latency + share * (above->latency - below.latency);
  point.memory = below.memory + share * (above->memory - below.memory);
  point.throughput = static_cast<double>(batch) * instances / point.latency;
  return point;
}

void add_estimates(Conclusion& conclusion, const SessionHeader& header) {
  for (Trial& trial : conclusion.trials)
    for (const Estimate& estimate : header.estimates)
      if (estimate.group == trial.candidate.group)
        trial.estimate =
            estimate_at(estimate.curve, trial.candidate.batch, trial.candidate.group.instances);
}

std::vector<FrontPoint> front_points(const std::vector<const Trial*>& trials,
                                     const std::vector<double>& throughputs) {
  std::vector<FrontPoint> points;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const Trial& trial = *trials[i];
    const double samples =
        static_cast<double>(trial.candidate.batch) * trial.candidate.group.instances;
    points.push_back({trial.id, samples / throughputs[i], throughputs[i]});
  }
  return points;
}

// By the rates that choices are made by: else the recommended one may be beaten by a lucky figure.
std::vector<TrialId> front_of(const std::vector<const Trial*>& trials, const Facts& facts) {
  std::vector<double> throughputs;
  for (const Trial* trial : trials) throughputs.push_back(rate_of(*trial, facts));
  return pareto_front(front_points(trials, throughputs));
}

// Groups that differ in threads, instances and cores alone are ways to use one device: what none of
// them beats is worth having.
CandidateGroup device_scope(CandidateGroup group) {
  group.threads = group.instances = group.cores = 0;
  return group;
}

using ByGroup = std::map<CandidateGroup, std::vector<const Trial*>>;

// Membership in the front of each scope, in what was measured and over resamplings of it.
void add_membership(Conclusion& conclusion, const Facts& facts, const ByGroup& scopes) {
  for (const auto& [scope, trials] : scopes) {
    std::map<TrialId, int> times;
    const auto resampled = resampled_throughputs(trials, facts, conclusion.anchor);
    for (const auto& throughputs : resampled)
      for (const TrialId id : pareto_front(front_points(trials, throughputs))) ++times[id];
    for (const TrialId id : front_of(trials, facts)) find(conclusion.trials, id)->on_front = true;
    for (const Trial* trial : trials)
      if (!resampled.empty())
        find(conclusion.trials, trial->id)->front_probability =
            static_cast<double>(times[trial->id]) / static_cast<double>(resampled.size());
  }
}

void add_fronts(Conclusion& conclusion, const Facts& facts) {
  ByGroup groups, scopes;
  for (const Trial& trial : conclusion.trials) {
    if (!is_ranked(trial) || is_over_memory(trial, facts)) continue;
    groups[trial.candidate.group].push_back(&trial);
    scopes[device_scope(trial.candidate.group)].push_back(&trial);
  }
  for (const auto& [group, trials] : groups)
    conclusion.fronts.push_back({group, front_of(trials, facts)});
  add_membership(conclusion, facts, scopes);
}

void add_shape(Boundary& boundary, const Conclusion& conclusion) {
  std::vector<ShapePoint> points;
  for (const Trial& trial : conclusion.trials)
    if (trial.candidate.group == boundary.group && is_measured(trial))
      points.push_back({trial.candidate.batch, trial.measurement->throughput_undisturbed,
                        trial.measurement->visits});
  std::sort(points.begin(), points.end(),
            [](const ShapePoint& a, const ShapePoint& b) { return a.batch < b.batch; });
  if (const auto shape = shape_of(points)) {
    boundary.shape = shape->shape;
    boundary.shape_evidence = shape->evidence;
  }
}

PreparedBatches prepared_batches(const CandidateGroup& group, const Facts& facts) {
  PreparedBatches prepared;
  for (const Preparation* preparation : facts.preparations) {
    const std::int64_t batch = preparation->candidate.batch;
    if (preparation->candidate.group != group ||
        preparation->ending.status != TrialStatus::out_of_memory ||
        batch >= prepared.fails.value_or(batch + 1))
      continue;
    prepared.fails = batch;
    prepared.ending = preparation->ending;
  }
  for (const Preparation* preparation : facts.preparations)
    if (preparation->candidate.group == group && preparation->ending.status == TrialStatus::ok &&
        prepared.fails && preparation->candidate.batch < *prepared.fails)
      prepared.fits = std::max(prepared.fits, preparation->candidate.batch);
  return prepared;
}

void add_boundaries(Conclusion& conclusion, const Facts& facts) {
  for (const auto& [group, probes] : facts.probes) {
    const PreparedBatches prepared = prepared_batches(group, facts);
    if (probes.empty() && !prepared.fails) continue;
    SampleTime time;
    for (const Preparation* preparation : facts.preparations)
      if (preparation->candidate.group == group && preparation->ending.status == TrialStatus::ok)
        time.add(preparation->candidate.batch, preparation->first_run);
    conclusion.boundaries.push_back(boundary_of(
        group, probes, {facts.memory_limit, facts.safe_memory, time.per_sample(), prepared}));
    add_shape(conclusion.boundaries.back(), conclusion);
    conclusion.kills += conclusion.boundaries.back().kills;
  }
}

void add_quiet_share(Conclusion& conclusion, const Facts& facts) {
  int judged = 0, quiet = 0;
  for (const Round* round : facts.rounds)
    for (const Visit& visit : round->visits) {
      if (!visit.host || (visit.host->compute_canary.empty() && visit.host->cache_canary.empty()))
        continue;
      ++judged;
      quiet += !visit.disturbed;
    }
  if (judged > 0) conclusion.quiet_share = static_cast<double>(quiet) / judged;
}

}  // namespace

Conclusion conclude(const SessionRecord& record, const Wishes& wishes) {
  Facts facts = gather(record, wishes);
  Conclusion conclusion;
  conclusion.anchor = record.anchor;
  conclusion.trials = trials_of(record);
  add_measurements(conclusion, facts, wishes);
  pool_rates(conclusion, record.header, facts);
  add_memory(conclusion, facts);
  mark_unstable(conclusion, facts, wishes);
  add_estimates(conclusion, record.header);
  add_fronts(conclusion, facts);
  add_boundaries(conclusion, facts);
  add_quiet_share(conclusion, facts);
  conclusion.effort = effort_of(record, conclusion);
  if (record.header.command != "measure") add_verdicts(conclusion, record.header, facts, wishes);
  return conclusion;
}

}  // namespace batchtune

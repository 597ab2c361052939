// See ledger.h.
#include "tuner/search/ledger.h"

#include <algorithm>
#include <cassert>

#include "tuner/measure/stop_rule.h"
#include "tuner/search/boundary.h"
#include "tuner/search/mix.h"
#include "tuner/search/proof.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

// A candidate that most likely breaks a limit gets no more samples: judging it in full would leave
// none for the next one. Of few samples the first slow run says so of a high percentile already:
// some runs must be over. So does one on the very limit: it shows more runs over than are allowed
// after as many samples as would have proved one with two over.
bool is_doubtful(const LatencyLimit& limit, const LimitVerdict& verdict,
                 std::span<const VisitSamples> visits) {
  constexpr double kDoubt = 0.8;
  constexpr int kFewestOver = 3;
  constexpr int kFewOver = 2;
  if (verdict.decision != LimitDecision::unproven) return false;
  if (verdict.over >= kFewestOver && judge(limit, visits, kDoubt).decision == LimitDecision::broken)
    return true;
  return looks_broken(verdict) && verdict.samples >= samples_to_keep(limit.metric, kFewOver);
}

const Estimate* estimate_of(const Problem& problem, const CandidateGroup& group) {
  for (const Estimate& estimate : problem.groups)
    if (estimate.group == group) return &estimate;
  return nullptr;
}

const PointEstimate* nearest_point(const Problem& problem, const Candidate& candidate) {
  const Estimate* estimate = estimate_of(problem, candidate.group);
  const PointEstimate* nearest = nullptr;
  if (!estimate) return nullptr;
  for (const PointEstimate& point : estimate->curve)
    if (!nearest ||
        std::abs(point.batch - candidate.batch) < std::abs(nearest->batch - candidate.batch))
      nearest = &point;
  return nearest;
}

// On the estimated curve, or on the line through it.
std::optional<double> estimated_memory(const Problem& problem, const Candidate& candidate) {
  const Estimate* estimate = estimate_of(problem, candidate.group);
  if (!estimate || estimate->curve.empty()) return std::nullopt;
  std::vector<double> batches, bytes;
  for (const PointEstimate& point : estimate->curve) {
    if (point.batch == candidate.batch) return point.memory;
    batches.push_back(static_cast<double>(point.batch));
    bytes.push_back(point.memory);
  }
  const auto line = fit_line(batches, bytes);
  return line ? line->at(static_cast<double>(candidate.batch)) : bytes.front();
}

}  // namespace

Ledger::Ledger(const Problem& problem) : problem_(problem), compiles_(problem) {}

TrialId Ledger::number(const Candidate& candidate) {
  if (const Entry* entry = find(candidate)) return entry->id;
  Entry& entry = entries_.emplace_back();
  entry.id = static_cast<TrialId>(entries_.size());
  entry.candidate = candidate;
  return entry.id;
}

const Entry* Ledger::find(const Candidate& candidate) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.candidate == candidate; });
  return found == entries_.end() ? nullptr : &*found;
}

const std::vector<Probe>& Ledger::probes(const CandidateGroup& group) const {
  static const std::vector<Probe> kNone;
  const auto found = probes_.find(group);
  return found == probes_.end() ? kNone : found->second;
}

void Ledger::tell(const Observation& observation) {
  pooled_.reset();
  curves_.clear();
  if (const auto* probe = std::get_if<Probe>(&observation.what)) {
    probes_[probe->candidate.group].push_back(*probe);
    compiles_.tell(*probe);
    probing_spent_ += std::max(probe->seconds, observation.device_time);
    return;
  }
  racing_spent_ += observation.device_time;
  if (const auto* round = std::get_if<Round>(&observation.what)) return tell_round(*round);
  const auto& preparation = std::get<Preparation>(observation.what);
  assert(preparation.trial >= 1 && preparation.trial <= static_cast<TrialId>(entries_.size()));
  Entry& entry = entries_[static_cast<std::size_t>(preparation.trial) - 1];
  entry.told = true;
  entry.ending = preparation.ending;
  entry.live = preparation.ending.status == TrialStatus::ok;
  entry.since_prepared = 0;
  entry.programs += entry.live ? 1 : 0;
  entry.prepare_seconds = observation.device_time;
  entry.compile_wait = std::min(observation.device_time, compiles_.tell(preparation));
  racing_spent_ -= entry.compile_wait;
  entry.first_run = preparation.first_run;
  if (preparation.memory)
    accounted_[entry.candidate.group][entry.candidate.batch] =
        static_cast<double>(preparation.memory->total());
}

void Ledger::tell_round(const Round& round) {
  for (const RoundFailure& failure : round.failures) {
    if (failure.trial < 1 || failure.trial > static_cast<TrialId>(entries_.size())) continue;
    Entry& entry = entries_[static_cast<std::size_t>(failure.trial) - 1];
    entry.ending = failure.ending;
    entry.live = false;
  }
  rounds_.push_back(visit_medians(round));
  raw_rounds_.push_back(round);
  update_levels();
  judge_limits(round);
}

// All at once, since all levels are the anchor's times a ratio. It reads all rounds, so in long
// sessions it waits for a few more of them, but never for a candidate that has only begun.
void Ledger::update_levels() {
  constexpr std::size_t kShortSession = 100;  // rounds
  constexpr std::size_t kFewMore = 20;        // a 20th more of them
  constexpr std::size_t kBegun = 16;          // visits
  const RoundMedians& last = rounds_.back();
  bool begun = false;
  for (Entry& entry : entries_) {
    const VisitMedian* own = find_visit(last, entry.id);
    if (!own) continue;
    entry.medians.push_back(own->median);
    const bool met_anchor = find_visit(last, anchor_) != nullptr;
    entry.shared += met_anchor;
    entry.since_prepared += met_anchor;
    begun |= entry.medians.size() <= kBegun;
  }
  const std::size_t rounds = rounds_.size();
  if (rounds > kShortSession && !begun && rounds < levelled_ + levelled_ / kFewMore) return;
  levelled_ = rounds;
  const auto all = all_indices(static_cast<int>(rounds));
  for (Entry& entry : entries_) {
    const auto level = level_of(rounds_, all, anchor_, entry.id);
    if (!level) continue;
    entry.latency = level->undisturbed;
    entry.seen = median(entry.medians);
  }
}

// Only at spaced numbers of visits (stop_rule.h says why), and on all samples, disturbed ones too.
void Ledger::judge_limits(const Round& round) {
  for (Entry& entry : entries_) {
    VisitSamples runs = timed_runs(round, entry.id);
    if (runs.empty()) continue;
    for (LimitVerdict& verdict : entry.limits) add_visit(verdict, runs);
    entry.visits.push_back(std::move(runs));
    const auto visits = static_cast<int>(entry.visits.size());
    if (last_look(visits) != visits) continue;
    entry.limits.clear();
    entry.doubtful = false;
    for (const LatencyLimit& limit : problem_.wishes.latency_limits) {
      entry.limits.push_back(judge(limit, entry.visits));
      entry.doubtful |= is_doubtful(limit, entry.limits.back(), entry.visits);
    }
  }
}

void Ledger::release(TrialId trial) {
  entries_[static_cast<std::size_t>(trial) - 1].live = false;
}

void Ledger::fix_anchor(TrialId trial) {
  assert(anchor_ == 0);
  anchor_ = trial;
}

Seconds Ledger::run_seconds(const Candidate& candidate) const {
  const Entry* nearest = nullptr;
  const auto distance = [&](const Entry& entry) {
    return std::abs(entry.candidate.batch - candidate.batch);
  };
  for (const Entry& entry : entries_) {
    if (entry.candidate.group != candidate.group || !(entry.latency || entry.first_run)) continue;
    if (!nearest || distance(entry) < distance(*nearest)) nearest = &entry;
  }
  if (nearest) {
    const Seconds known = nearest->latency ? *nearest->latency : *nearest->first_run;
    return known * static_cast<double>(candidate.batch) /
           static_cast<double>(nearest->candidate.batch);
  }
  const PointEstimate* point = nearest_point(problem_, candidate);
  if (!point) return 0;
  return point->latency * static_cast<double>(candidate.batch) / static_cast<double>(point->batch);
}

double Ledger::rate(const Entry& entry) const {
  if (!entry.latency) return 0;
  return static_cast<double>(entry.candidate.batch) * entry.candidate.group.instances /
         *entry.latency;
}

std::vector<Look> Ledger::looks() const {
  std::vector<Seen> seen;
  for (const Entry& entry : entries_)
    if (entry.ok() && entry.latency && is_whole(entry.candidate))
      seen.push_back({entry.id, entry.candidate, rate(entry)});
  return looks_of(rounds_, anchor_, seen);
}

const CurveModel& Ledger::curve(const std::string& backend) const {
  auto& curve = curves_[backend];
  if (!curve)
    curve = std::make_shared<const CurveModel>(of_backend(problem_.groups, backend),
                                               leading(looks(), backend));
  return *curve;
}

double Ledger::pooled_rate(const Entry& entry) const {
  if (!pooled_)
    pooled_ = pooled_rates(
        looks(), [&](const std::string& backend) -> const CurveModel& { return curve(backend); });
  const auto found = pooled_->find(entry.id);
  return found == pooled_->end() ? rate(entry) : found->second;
}

std::optional<Seconds> Ledger::seconds_per_sample(const CandidateGroup& group) const {
  SampleTime time;
  for (const Entry& entry : entries_)
    if (entry.candidate.group == group && entry.ok())
      time.add(entry.candidate.batch, entry.first_run);
  return time.per_sample();
}

bool Ledger::usable(const Entry& entry) const {
  const Candidate& candidate = entry.candidate;
  return entry.ok() && entry.latency && fits(candidate) &&
         !fails_soak(probes(candidate.group), candidate.batch, problem_.wishes.memory_limit);
}

bool Ledger::choosable(const Entry& entry) const {
  if (!usable(entry)) return false;
  const Wishes& wishes = problem_.wishes;
  for (std::size_t i = 0; i < wishes.latency_limits.size(); ++i) {
    const LatencyLimit& limit = wishes.latency_limits[i];
    const auto decision = entry.limits.empty() ? LimitDecision::unproven : entry.limits[i].decision;
    if (decision == LimitDecision::broken || entry.doubtful) return false;
    // The undisturbed level lies below every percentile that a limit may name but the lowest.
    const Seconds level = limit.metric == LatencyMetric::p50 ? *entry.seen : *entry.latency;
    if (decision != LimitDecision::kept && level > limit.limit) return false;
  }
  return true;
}

std::optional<double> Ledger::predicted_memory(const Candidate& candidate) const {
  const auto batch = static_cast<double>(candidate.batch);
  if (const auto found = accounted_.find(candidate.group); found != accounted_.end()) {
    if (const auto exact = found->second.find(candidate.batch); exact != found->second.end())
      return exact->second;
    std::vector<double> batches, bytes;
    for (const auto& [known, size] : found->second) {
      batches.push_back(static_cast<double>(known));
      bytes.push_back(size);
    }
    if (const auto line = fit_line(batches, bytes)) return line->at(batch);
  }
  if (const auto line = memory_line(probes(candidate.group))) return line->at(batch);
  const auto estimated = estimated_memory(problem_, candidate);
  if (!estimated) return std::nullopt;
  // One account tells how far the estimate is off; how memory grows is still the estimate's.
  const auto found = accounted_.find(candidate.group);
  if (found == accounted_.end()) return estimated;
  const auto& [known, size] = *found->second.begin();
  return size + *estimated - *estimated_memory(problem_, {candidate.group, known});
}

bool Ledger::fits(const Candidate& candidate) const {
  const auto predicted = predicted_memory(candidate);
  if (predicted && is_unsafe(*predicted, problem_.safe_memory, std::nullopt, {})) return false;
  if (!problem_.wishes.memory_limit) return true;
  const auto limit = *problem_.wishes.memory_limit;
  const Bracket bracket = bracket_of(probes(candidate.group), limit);
  if (bracket.fails && candidate.batch >= *bracket.fails) return false;
  if (candidate.batch <= bracket.fits) return true;  // what ran is known better
  return !predicted || *predicted <= static_cast<double>(limit);
}

}  // namespace batchtune

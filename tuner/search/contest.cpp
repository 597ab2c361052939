// See contest.h.
#include "tuner/search/contest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tuner/measure/round_plan.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr std::int64_t kAllUpTo = 64;  // any batch may be the best
constexpr std::int64_t kLargestTile = 32;
constexpr std::int64_t kStepsAbove = 16;    // of an octave: neighbours differ by 6 %
constexpr Seconds kUsualPreparation = 0.1;  // besides its runs, before any was seen

// Seconds that a preparation takes besides its runs, as seen in this session.
Seconds usual_preparation(const Ledger& ledger) {
  std::vector<double> seen;
  for (const Entry& entry : ledger.entries())
    if (entry.ok())
      seen.push_back(
          std::max(0.0, entry.prepare_seconds - kRunsToPrepare * entry.first_run.value_or(0)));
  return seen.empty() ? kUsualPreparation : median(seen);
}

// How far above its undisturbed level a percentile lies in this session; 1 before there are runs.
double tail_of(const Ledger& ledger, LatencyMetric metric) {
  std::vector<double> runs;
  for (const Entry& entry : ledger.entries()) {
    if (!entry.ok() || !entry.latency) continue;
    for (const VisitSamples& visit : entry.visits)
      for (const Seconds run : visit) runs.push_back(run / *entry.latency);
  }
  return runs.empty() ? 1 : std::max(1.0, quantile(runs, quantile_of(metric)));
}

Seconds longest_allowed(const Ledger& ledger, const Wishes& wishes) {
  Seconds longest = std::numeric_limits<double>::infinity();
  for (const LatencyLimit& limit : wishes.latency_limits)
    longest = std::min(longest, limit.limit / tail_of(ledger, limit.metric));
  return longest;
}

// What the whole budget could afford, and all that must have been looked at before a measured one
// is believed in.
std::int64_t largest_of_interest(const Ledger& ledger, const Problem& problem,
                                 const CandidateGroup& group) {
  std::int64_t largest = largest_worth_it(ledger, problem, group, problem.budget.racing);
  for (const Entry& entry : ledger.entries())
    if (entry.candidate.group == group && ledger.choosable(entry))
      largest = std::max(largest, kFarAbove * entry.candidate.batch);
  return std::min(largest, problem.largest_batch);
}

std::vector<Prospect> prospects_of(const Ledger& ledger, const Problem& problem,
                                   const CandidateGroup& group, Seconds left,
                                   std::int64_t of_interest) {
  const std::int64_t largest = std::min(of_interest, below_the_wall(ledger, group));
  const std::int64_t affordable = largest_worth_it(ledger, problem, group, left);
  std::vector<Prospect> prospects;
  const Seconds preparing = usual_preparation(ledger);
  const auto add = [&](const Candidate& candidate, const Entry* entry) {
    Prospect prospect;
    prospect.candidate = candidate;
    prospect.visit_error = kUsualVisitError;
    prospect.visit = visit_seconds(ledger, candidate);
    if (entry) prospect.trial = entry->id;
    prospect.measured = entry && entry->latency && entry->shared > 0;
    prospect.live = entry && entry->live;
    prospect.affordable = prospect.measured || candidate.batch <= affordable;
    if (!prospect.live)
      prospect.prepare = preparing + kRunsToPrepare * ledger.run_seconds(candidate);
    prospects.push_back(prospect);
  };
  for (const Entry& entry : ledger.entries())
    if (entry.candidate.group == group && ledger.choosable(entry)) add(entry.candidate, &entry);
  for (const std::int64_t batch : considered(problem, largest)) {
    const Candidate candidate{group, batch};
    const Entry* entry = ledger.find(candidate);
    if ((!entry || !entry->told || (entry->live && !entry->latency)) && ledger.fits(candidate))
      add(candidate, entry);
  }
  return prospects;
}

bool is_told(const Ledger& ledger, const Candidate& candidate) {
  const Entry* entry = ledger.find(candidate);
  return entry && entry->told;
}

}  // namespace

std::vector<std::int64_t> considered(const Problem& problem, std::int64_t largest) {
  std::vector<std::int64_t> batches;
  if (!problem.batches.empty()) {
    for (const std::int64_t batch : problem.batches)
      if (batch <= largest) batches.push_back(batch);
    return batches;
  }
  for (std::int64_t batch = 1; batch <= std::min(kAllUpTo, largest); ++batch)
    batches.push_back(batch);
  for (std::int64_t octave = kAllUpTo; octave < largest; octave *= 2)
    for (std::int64_t step = 1; step <= kStepsAbove; ++step)
      if (const std::int64_t batch = octave + step * octave / kStepsAbove; batch <= largest)
        batches.push_back(batch);
  return batches;
}

std::int64_t below_the_wall(const Ledger& ledger, const CandidateGroup& group) {
  constexpr std::int64_t kFewBatches = 8;  // below, each is worth a tenth and more
  std::int64_t fits = 1, fails = std::numeric_limits<std::int64_t>::max();
  int hits = 0;
  for (const Entry& entry : ledger.entries()) {
    if (entry.candidate.group != group || !entry.told) continue;
    const std::int64_t batch = entry.candidate.batch;
    if (entry.ok()) fits = std::max(fits, batch);
    if (entry.ending.status != TrialStatus::out_of_memory) continue;
    fails = std::min(fails, batch);
    ++hits;
  }
  if (hits == 0) return fails;
  const auto between = [&](double low, double high) {
    return static_cast<std::int64_t>(std::sqrt(low * high));
  };
  const std::int64_t halfway = between(static_cast<double>(fits), static_cast<double>(fails));
  if (hits == 1) return std::max(fits, halfway);
  return fails <= kFewBatches ? fails - 1 : fits;
}

Seconds visit_seconds(const Ledger& ledger, const Candidate& candidate) {
  const Seconds run = ledger.run_seconds(candidate);
  return run * visit_length(run).runs();
}

Contest contest_of(const Ledger& ledger, const Problem& problem, const std::string& backend,
                   Seconds left, std::uint64_t seed) {
  Contest contest;
  contest.longest = longest_allowed(ledger, problem.wishes);
  for (const Estimate& estimate : of_backend(problem.groups, backend)) {
    contest.has_curve |= !estimate.curve.empty();
    const CandidateGroup& group = estimate.group;
    const std::int64_t largest = largest_of_interest(ledger, problem, group);
    for (const Prospect& prospect : prospects_of(ledger, problem, group, left, largest))
      contest.prospects.push_back(prospect);
    const bool more = largest < std::min(problem.largest_batch, below_the_wall(ledger, group)) &&
                      (problem.batches.empty() || problem.batches.back() > largest) &&
                      ledger.fits({group, largest + 1});
    if (more) contest.up_to = std::max(contest.up_to, largest);
  }

  const auto looks = leading(ledger.looks(), backend);
  const auto look_of = [&](const Prospect& prospect) {
    return std::find_if(looks.begin(), looks.end(),
                        [&](const Look& look) { return look.trial == prospect.trial; });
  };
  std::erase_if(contest.prospects, [&](const Prospect& prospect) {
    return prospect.measured && look_of(prospect) == looks.end();
  });
  for (Prospect& prospect : contest.prospects)
    if (prospect.measured) prospect.visit_error = look_of(prospect)->visit_error;
  for (const TrialId trial : likely_choices(ledger, problem))
    for (std::size_t i = 0; i < contest.prospects.size(); ++i)
      if (contest.prospects[i].measured && contest.prospects[i].trial == trial) contest.choice = i;
  const CurveModel& curve = ledger.curve(backend);
  contest.trust = curve.trust();
  if (contest.choice)
    contest.standing =
        weigh_up(contest.prospects, *contest.choice, curve, problem.wishes, contest.longest, seed);
  return contest;
}

const Prospect* must_see(const Contest& contest, const Ledger& ledger) {
  const Candidate& choice = contest.prospects[*contest.choice].candidate;
  std::int64_t tile = 1;
  while (2 * tile <= std::min(choice.batch, kLargestTile)) tile *= 2;
  const std::array<std::int64_t, 3> beside = {(choice.batch + tile - 1) / tile * tile,
                                              choice.batch + 1, choice.batch - 1};
  const Prospect* far = nullptr;
  bool far_seen = false;
  for (const Prospect& prospect : contest.prospects) {
    const Candidate& candidate = prospect.candidate;
    if (candidate.group != choice.group || ledger.run_seconds(candidate) > contest.longest)
      continue;
    const bool near = std::find(beside.begin(), beside.end(), candidate.batch) != beside.end();
    if (near && !is_told(ledger, candidate)) return &prospect;
    if (candidate.batch < 2 * choice.batch) continue;
    far_seen |= prospect.measured && candidate.batch >= kFarAbove * choice.batch;
    if (!far ||
        (far->candidate.batch < candidate.batch && far->candidate.batch < kFarAbove * choice.batch))
      far = &prospect;
  }
  return far && !far_seen && !is_told(ledger, far->candidate) ? far : nullptr;
}

}  // namespace batchtune

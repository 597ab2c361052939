// See contest.h.
#include "tuner/search/contest.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/measure/round_plan.h"
#include "tuner/search/ascent.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr std::int64_t kAllUpTo = 64;     // any batch may be the best
constexpr std::int64_t kNearTop = 3;      // so small a part below the largest is as good as there
constexpr std::int64_t kTold = 64;        // neighbours above differ by too little to be told apart
constexpr std::int64_t kStepsAbove = 16;  // of an octave: neighbours differ by 6 %
constexpr Seconds kUsualPreparation = 0.1;  // besides its runs, before any was seen

// Seconds that a preparation takes besides its runs, as seen in this session.
Seconds usual_preparation(const Ledger& ledger) {
  std::vector<double> seen;
  for (const Entry& entry : ledger.entries())
    if (entry.ok())
      seen.push_back(
          std::max(0.0, entry.prepare_without_compiler() -
                            kRunsToPrepare * entry.first_run.value_or(0)));
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

// A compilation is no leap into the dark: not far above all that was looked at.
std::int64_t within_reach(const Ledger& ledger, const CandidateGroup& group) {
  const auto entries = entries_of(ledger, group);
  const bool counted = ledger.compiles().counted(group) && !entries.empty();
  return counted ? kFarAbove * entries.back()->candidate.batch
                 : std::numeric_limits<std::int64_t>::max();
}

std::vector<Prospect> prospects_of(const Ledger& ledger, const Problem& problem,
                                   const CandidateGroup& group, Seconds left,
                                   std::int64_t of_interest) {
  const std::int64_t largest = std::min({of_interest, below_the_wall(ledger, problem, group),
                                         within_reach(ledger, group)});
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
    if (!prospect.live) {
      prospect.prepare = preparing + kRunsToPrepare * ledger.run_seconds(candidate);
      prospect.compile = ledger.compiles().expected_wait(candidate);
    }
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
    const std::int64_t wall = below_the_wall(ledger, problem, group);
    const bool more = largest < std::min(problem.largest_batch, wall) &&
                      (problem.batches.empty() || problem.batches.back() > largest) &&
                      ledger.fits({group, largest + 1});
    if (more) contest.up_to = std::max(contest.up_to, largest);
  }

  const auto looks = leading(ledger.looks(), backend);
  const auto look_of = [&](const Prospect& prospect) {
    return std::find_if(looks.begin(), looks.end(), [&](const Look& look) {
      return look.trial == prospect.trial && !look.hole;
    });
  };
  std::erase_if(contest.prospects, [&](const Prospect& prospect) {
    return prospect.measured && look_of(prospect) == looks.end();
  });
  std::vector<double> errors;
  for (const Look& look : looks) errors.push_back(look.visit_error);
  for (Prospect& prospect : contest.prospects)
    if (!errors.empty())
      prospect.visit_error = prospect.measured ? look_of(prospect)->visit_error : median(errors);
  for (const TrialId trial : likely_choices(ledger, problem))
    for (std::size_t i = 0; i < contest.prospects.size(); ++i)
      if (contest.prospects[i].measured && contest.prospects[i].trial == trial) contest.choice = i;
  const CurveModel& curve = ledger.curve(backend);
  contest.trust = curve.trust();
  if (contest.trust < 0.5 && contest.has_curve) contest.cause = curve.cause();
  if (contest.choice)
    contest.standing =
        weigh_up(contest.prospects, *contest.choice, curve, problem.wishes, contest.longest, seed);
  return contest;
}

namespace {

// Of the choice's group, by ascending batch.
std::vector<const Prospect*> around(const Contest& contest, const Ledger& ledger) {
  const CandidateGroup& group = contest.prospects[*contest.choice].candidate.group;
  std::vector<const Prospect*> result;
  for (const Prospect& prospect : contest.prospects)
    if (prospect.candidate.group == group &&
        ledger.run_seconds(prospect.candidate) <= contest.longest)
      result.push_back(&prospect);
  std::sort(result.begin(), result.end(), [](const Prospect* a, const Prospect* b) {
    return a->candidate.batch < b->candidate.batch;
  });
  return result;
}

// Batches of the group that were looked at, failed ones among them.
std::vector<std::int64_t> looked_at(const Ledger& ledger, const CandidateGroup& group) {
  std::vector<std::int64_t> batches;
  for (const Entry* entry : entries_of(ledger, group)) batches.push_back(entry->candidate.batch);
  return batches;
}

// Where an octave was not looked into, around the choice.
const Prospect* in_a_gap(const std::vector<const Prospect*>& all, std::int64_t choice,
                         const std::vector<std::int64_t>& looked) {
  constexpr std::int64_t kAround = 4;  // times the choice, and its share
  std::vector<std::int64_t> hopeful;
  for (const Prospect* prospect : all)
    if (prospect->trial == 0 && prospect->alive) hopeful.push_back(prospect->candidate.batch);
  for (std::size_t i = 1; i < looked.size(); ++i) {
    const std::int64_t low = looked[i - 1], high = looked[i];
    if (high <= 2 * low || kAround * high <= choice || low >= kAround * choice) continue;
    const auto middle = middle_within(hopeful, low, high);
    for (const Prospect* prospect : all)
      if (middle && prospect->candidate.batch == *middle) return prospect;
  }
  return nullptr;
}

}  // namespace

const Prospect* must_see(const Contest& contest, const Ledger& ledger) {
  const Candidate& choice = contest.prospects[*contest.choice].candidate;
  const auto all = around(contest, ledger);
  const auto looked = looked_at(ledger, choice.group);
  const Prospect *below = nullptr, *above = nullptr, *far = nullptr;
  for (const Prospect* prospect : all) {
    const std::int64_t batch = prospect->candidate.batch;
    if (batch < choice.batch) below = prospect;
    if (batch > choice.batch && !above) above = prospect;
    if (batch >= 2 * choice.batch && (!far || far->candidate.batch < kFarAbove * choice.batch))
      far = prospect;
  }
  const std::int64_t largest = all.empty() ? 0 : all.back()->candidate.batch;
  const bool far_seen = !looked.empty() && looked.back() >= std::min(kFarAbove * choice.batch,
                                                                     largest - largest / kNearTop);
  if (far && !far_seen && !is_told(ledger, far->candidate)) return far;
  if (const Prospect* gap = in_a_gap(all, choice.batch, looked)) return gap;
  const auto looked_from = [&](std::int64_t first, std::int64_t last) {
    return std::any_of(looked.begin(), looked.end(), [&](std::int64_t batch) {
      return first <= batch && batch <= last && batch != choice.batch;
    });
  };
  if (choice.batch > kTold || is_dear(ledger)) return nullptr;
  if (above && !looked_from(choice.batch, above->candidate.batch)) return above;
  if (below && !looked_from(below->candidate.batch, choice.batch)) return below;
  return nullptr;
}

namespace {

// Small batches may crash where larger ones run: doublings, up to the seed.
std::optional<std::int64_t> past_crashes(const Problem& problem, const CandidateGroup& group,
                                         std::int64_t largest) {
  for (const Estimate& estimate : problem.groups)
    if (estimate.group == group && largest < estimate.batch) {
      const auto batches = considered(problem, std::min(2 * largest, estimate.batch));
      if (!batches.empty() && batches.back() > largest) return batches.back();
    }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> next_up(const Ledger& ledger, const Problem& problem,
                                    const CandidateGroup& group, Seconds left) {
  if (memory_is_known(problem, group)) return std::nullopt;
  constexpr double kGrows = 0.01;  // what gains less by its size is no reason to go on
  const auto entries = entries_of(ledger, group);
  double best = 0;
  for (const Entry* entry : entries) {
    if (entry->ending.status == TrialStatus::out_of_memory) return std::nullopt;
    if (ledger.choosable(*entry)) best = std::max(best, ledger.pooled_rate(*entry));
  }
  const auto good = std::find_if(entries.begin(), entries.end(), [&](const Entry* entry) {
    return ledger.choosable(*entry) && ledger.pooled_rate(*entry) >= best * (1 - kGrows);
  });
  const std::int64_t largest = entries.empty() ? 0 : entries.back()->candidate.batch;
  const bool any_ran =
      std::any_of(entries.begin(), entries.end(), [](const Entry* entry) { return entry->ok(); });
  if (!entries.empty() && !any_ran) return past_crashes(problem, group, largest);
  if (good == entries.end() && !entries.empty()) return std::nullopt;
  if (good != entries.end() && largest >= kFarAbove * (*good)->candidate.batch) return std::nullopt;
  const std::int64_t affordable = largest_worth_it(ledger, problem, group, left);
  const std::int64_t wall = below_the_wall(ledger, problem, group);
  auto batches = considered(problem, std::min({affordable, wall, problem.largest_batch}));
  std::erase_if(batches, [&](std::int64_t batch) { return !ledger.fits({group, batch}); });
  if (batches.empty() || batches.back() - batches.back() / kNearTop <= largest) return std::nullopt;
  return step_within(batches, largest, batches.back());
}

}  // namespace batchtune

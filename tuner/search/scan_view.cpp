// See scan_view.h.
#include "tuner/search/scan_view.h"

#include <algorithm>

#include "tuner/search/race.h"

namespace batchtune {
namespace {

constexpr double kScanShare = 0.35;   // of what is left: more for one candidate starves the race
constexpr double kCheapShare = 0.03;  // of what is left
constexpr double kRaceReserve = 0.3;  // of the whole budget: never spent on looking further

// The largest batch whose preparation and first rounds take no more than `seconds`.
std::int64_t affordable(const Ledger& ledger, const Problem& problem, const CandidateGroup& group,
                        Seconds seconds) {
  const auto entries = entries_of(ledger, group);
  const std::int64_t known =
      entries.empty() ? smallest_batch(problem) : entries.back()->candidate.batch;
  const Seconds sample = ledger.run_seconds({group, known}) / static_cast<double>(known);
  if (sample <= 0) return problem.largest_batch;
  const Seconds anchor =
      ledger.anchor() == 0 ? 0 : ledger.run_seconds(ledger.at(ledger.anchor()).candidate);
  const double rounds = scan_rounds(sample * static_cast<double>(known));
  const double batch = (seconds - kRunsPerVisit * rounds * anchor) /
                       (sample * (kRunsToPrepare + kRunsPerVisit * rounds));
  return static_cast<std::int64_t>(
      std::clamp(batch, 1.0, static_cast<double>(problem.largest_batch)));
}

}  // namespace

std::vector<const Entry*> entries_of(const Ledger& ledger, const CandidateGroup& group) {
  std::vector<const Entry*> entries;
  for (const Entry& entry : ledger.entries())
    if (entry.candidate.group == group && entry.told) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(),
            [](const Entry* a, const Entry* b) { return a->candidate.batch < b->candidate.batch; });
  return entries;
}

std::vector<ScanPoint> scan_points(const Ledger& ledger, const std::vector<const Entry*>& entries) {
  std::vector<ScanPoint> points;
  for (const Entry* entry : entries) {
    // The anchor has no round of its own before the first contender comes.
    const bool only_anchor = entry->ok() && !entry->latency && entry->id == ledger.anchor();
    const double rate = only_anchor ? 1 : ledger.choosable(*entry) ? ledger.rate(*entry) : 0;
    points.push_back({entry->candidate.batch, rate});
  }
  return points;
}

ScanRange scan_range(const Ledger& ledger, const Problem& problem, const Estimate& estimate,
                     Seconds left) {
  ScanRange range;
  range.seed = std::max<std::int64_t>(estimate.batch, 1);
  range.smallest = smallest_batch(problem);
  range.largest = largest_worth_it(ledger, problem, estimate.group, left);
  range.cheap = affordable(ledger, problem, estimate.group, kCheapShare * left);
  range.sparing = problem.most_batches > 0;
  range.allowed = problem.batches;
  range.objective = problem.wishes.objective;
  range.give_up = problem.wishes.give_up;
  return range;
}

std::int64_t largest_worth_it(const Ledger& ledger, const Problem& problem,
                              const CandidateGroup& group, Seconds left) {
  const Seconds free = std::min(kScanShare * left, left - kRaceReserve * problem.budget.racing);
  std::int64_t high = affordable(ledger, problem, group, free);
  std::int64_t low = 0;  // fits, as far as is known; high does not, or is the answer
  if (ledger.fits({group, high})) return high;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (ledger.fits({group, middle}) ? low : high) = middle;
  }
  return low;
}

std::int64_t smallest_batch(const Problem& problem) {
  return problem.batches.empty() ? 1 : problem.batches.front();
}

}  // namespace batchtune

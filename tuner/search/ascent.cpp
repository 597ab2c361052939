// See ascent.h.
#include "tuner/search/ascent.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tuner/core/unknown.h"
#include "tuner/search/scan_view.h"
#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr double kMuch = 0.10;      // log of the rate
constexpr double kLongestStep = 2;  // octaves
constexpr double kShortestStep = 1;
constexpr std::int64_t kFirstSteps = 4;  // up to there every octave is worth a look
constexpr Seconds kDear = 10;
constexpr std::int64_t kFewBatches = 8;  // below, halves are taken of the batch, not of its log

// How much the log of the rate grew in the last octave that ran. nullopt: too few ran.
std::optional<double> growth(const std::vector<const Entry*>& entries, const Ledger& ledger) {
  const Entry *last = nullptr, *before = nullptr;
  for (const Entry* entry : entries) {
    if (!entry->ok() || !entry->latency) continue;
    before = last;
    last = entry;
  }
  if (!before) return std::nullopt;
  const double octaves = std::log2(static_cast<double>(last->candidate.batch) /
                                   static_cast<double>(before->candidate.batch));
  return std::log(ledger.rate(*last) / ledger.rate(*before)) / octaves;
}

int tiles_of(std::int64_t batch) {
  int count = 0;
  for (const std::int64_t tile : {2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96})
    count += batch % tile == 0;
  return count;
}

}  // namespace

double octaves_between(std::int64_t a, std::int64_t b) {
  return std::abs(std::log2(static_cast<double>(a) / static_cast<double>(b)));
}

bool memory_is_known(const Problem& problem, const CandidateGroup& group) {
  constexpr double kFar = 0.5;  // of the limit
  const auto& limit =
      problem.wishes.memory_limit ? problem.wishes.memory_limit : problem.safe_memory;
  if (!limit) return false;
  for (const Estimate& estimate : problem.groups)
    if (estimate.group == group) {
      if (!is_known(estimate)) return false;
      for (const PointEstimate& point : estimate.curve)
        if (point.batch == estimate.batch)
          return point.memory <= kFar * static_cast<double>(*limit);
    }
  return true;
}

bool is_dear(const Ledger& ledger) {
  if (ledger.compiles().usual_wait() > kDear) return true;
  std::vector<double> seen;
  for (const Entry& entry : ledger.entries())
    if (entry.ok()) seen.push_back(entry.prepare_seconds);
  return !seen.empty() && median(seen) > kDear;
}

std::int64_t below_the_wall(const Ledger& ledger, const Problem& problem,
                            const CandidateGroup& group) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  const auto entries = entries_of(ledger, group);
  const bool known = memory_is_known(problem, group);
  std::int64_t fits = 0, fails = kNone;
  int hits = 0;
  for (const Entry* entry : entries) {
    const std::int64_t batch = entry->candidate.batch;
    if (entry->ok()) fits = std::max(fits, batch);
    if (entry->ending.status != TrialStatus::out_of_memory) continue;
    fails = std::min(fails, batch);
    ++hits;
  }
  const auto grown = growth(entries, ledger);
  if (hits == 0) {
    if (known) return kNone;
    if (fits == 0) return smallest_batch(problem);
    const double slope = std::max(grown.value_or(1), 1e-9);
    const bool far = fits >= kFirstSteps && is_dear(ledger);
    const double step = far ? kLongestStep : std::clamp(kMuch / slope, kShortestStep, kLongestStep);
    return std::llround(static_cast<double>(fits) * std::exp2(step));
  }
  const std::int64_t low = std::max<std::int64_t>(fits, 1);
  const std::int64_t halfway =
      fails <= kFewBatches ? low + (fails - low) / 2
                           : static_cast<std::int64_t>(
                                 std::sqrt(static_cast<double>(low) * static_cast<double>(fails)));
  const bool worth = known || grown.value_or(1) * octaves_between(fails, low) > kMuch;
  return hits == 1 && worth ? std::max(low, halfway) : low;
}

std::optional<std::int64_t> step_within(std::span<const std::int64_t> batches, std::int64_t low,
                                        std::int64_t high) {
  constexpr double kShorter = 0.42;  // octaves that may be given up for a better multiple
  std::optional<std::int64_t> best;
  const auto end = std::upper_bound(batches.begin(), batches.end(), high);
  if (end == batches.begin() || *(end - 1) <= low) return std::nullopt;
  const std::int64_t top = *(end - 1);
  for (auto batch = batches.begin(); batch != end; ++batch) {
    if (*batch <= low || octaves_between(*batch, top) > kShorter) continue;
    if (!best || tiles_of(*batch) >= tiles_of(*best)) best = *batch;
  }
  return best;
}

std::optional<std::int64_t> middle_within(std::span<const std::int64_t> batches, std::int64_t low,
                                          std::int64_t high) {
  constexpr double kOctavesWorth = 4;  // tiles that an octave away from the middle is worth
  const auto middle = static_cast<std::int64_t>(
      std::llround(std::sqrt(static_cast<double>(low) * static_cast<double>(high))));
  const auto score = [&](std::int64_t batch) {
    return tiles_of(batch) -
           kOctavesWorth * octaves_between(batch, std::max<std::int64_t>(1, middle));
  };
  std::optional<std::int64_t> best;
  for (const std::int64_t batch : batches)
    if (low < batch && batch < high && (!best || score(batch) > score(*best))) best = batch;
  return best;
}

}  // namespace batchtune

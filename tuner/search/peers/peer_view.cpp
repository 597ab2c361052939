// See peer_view.h.
#include "tuner/search/peers/peer_view.h"

#include <algorithm>

#include "tuner/search/peers/peer.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"
#include "tuner/search/steps.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/rounds.h"

namespace batchtune::peers {
namespace {

constexpr double kLeastError = 0.002;  // ten visits may agree by chance

std::int64_t largest_fitting(const Ledger& ledger, const CandidateGroup& group,
                             std::int64_t largest) {
  if (ledger.fits({group, largest})) return largest;
  std::int64_t low = 0, high = largest;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (ledger.fits({group, middle}) ? low : high) = middle;
  }
  return low;
}

double worth_of(const Ledger& ledger, const Entry& entry, const Wishes& wishes) {
  if (wishes.objective == Objective::latency) return 1 / *entry.latency;
  if (wishes.objective == Objective::cost)
    return ledger.rate(entry) / price_of(wishes, entry.candidate.group.backend).value_or(1);
  return ledger.rate(entry);
}

Standing standing_of(const Ledger& ledger, const Entry& entry, const Wishes& wishes) {
  if (!ledger.usable(entry)) return {};
  double nearness = 1;  // of the limit that is missed most
  for (const LatencyLimit& limit : wishes.latency_limits)
    nearness = std::min(nearness, limit.limit / *entry.latency);
  if (wishes.objective == Objective::latency && wishes.throughput_floor)
    nearness = std::min(nearness, ledger.rate(entry) / *wishes.throughput_floor);
  if (nearness < 1 || !ledger.choosable(entry)) return {false, nearness};
  return {true, worth_of(ledger, entry, wishes)};
}

double error_of(const Ledger& ledger, const Entry& entry) {
  if (entry.id == ledger.anchor()) return kLeastError;
  const auto ratios = log_ratio_series(ledger.rounds(), ledger.anchor(), entry.id).all();
  return ratios.empty() ? kLeastError : std::max(kLeastError, median_error(ratios));
}

PeerPoint point_of(const Ledger& ledger, const Entry& entry, const Wishes& wishes,
                   const Pick& pick) {
  PeerPoint point{pick, standing_of(ledger, entry, wishes)};
  if (entry.ok() && entry.latency) {
    point.rate = ledger.rate(entry);
    point.latency = *entry.latency;
    point.error = error_of(ledger, entry);
  } else if (entry.ok() && entry.id == ledger.anchor()) {
    point.standing = {true, 0};
  }
  return point;
}

}  // namespace

PeerView view_of(const Ledger& ledger, const Problem& problem, std::span<const Pick> measured,
                 std::span<const std::int64_t> bounds, std::span<const std::int64_t> tops) {
  PeerView view{problem.wishes, problem.batches, smallest_batch(problem), {}, {}};
  for (std::size_t i = 0; i < problem.groups.size(); ++i) {
    const CandidateGroup& group = problem.groups[i].group;
    std::int64_t largest = largest_fitting(ledger, group, bounds[i]);
    for (const Entry* entry : entries_of(ledger, group))
      if (entry->ending.status == TrialStatus::out_of_memory)
        largest = std::min(largest, entry->candidate.batch - 1);
    view.groups.push_back({group, tops[i], largest});
  }
  for (const Pick& pick : measured) {
    const Entry* entry = ledger.find({problem.groups[pick.group].group, pick.batch});
    view.points.push_back(point_of(ledger, *entry, problem.wishes, pick));
  }
  return view;
}

std::vector<std::int64_t> tops_of(const Ledger& ledger, const Problem& problem) {
  constexpr double kShare = 0.1;
  const std::int64_t smallest = smallest_batch(problem);
  std::vector<std::int64_t> tops;
  for (const Estimate& estimate : problem.groups) {
    std::int64_t top = problem.largest_batch;
    if (!problem.batches.empty()) {
      const auto above =
          std::upper_bound(problem.batches.begin(), problem.batches.end(), problem.largest_batch);
      top = above == problem.batches.begin() ? smallest : *(above - 1);
    } else {
      const Seconds sample =
          ledger.run_seconds({estimate.group, smallest}) / static_cast<double>(smallest);
      const double paid = kShare * problem.budget.racing /
                          (sample * (kRunsToPrepare + kPeerVisits * kRunsPerVisit));
      top = sample > 0
                ? static_cast<std::int64_t>(std::clamp(paid, static_cast<double>(smallest),
                                                       static_cast<double>(problem.largest_batch)))
                : largest_guessed(problem, estimate);
      top = std::max(smallest, largest_fitting(ledger, estimate.group, top));
    }
    tops.push_back(top);
  }
  return tops;
}

}  // namespace batchtune::peers

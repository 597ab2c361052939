// See compile_plan.h.
#include "tuner/search/compile_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "tuner/search/ascent.h"
#include "tuner/search/scan_view.h"
#include "tuner/search/sparse_scan.h"

namespace batchtune {
namespace {

constexpr int kAhead = 2;            // compilations in the background: a compiler takes CPUs and memory
constexpr int kKept = 2;  // compilations that no guess may take: for what the others show
constexpr double kTellsMore = 0.49;  // octaves from all known: what is compiled is worth a look
constexpr double kStandInOctaves = 0.5;        // octaves: what is compiled stands in for one so near
constexpr std::int64_t kFarAboveBest = 4;  // times the best, where throughput falls

// Groups whose compilations are counted, one for all that run the same programs.
std::vector<CandidateGroup> families(const Ledger& ledger, const Problem& problem) {
  std::vector<CandidateGroup> result;
  for (const Estimate& estimate : problem.groups)
    if (ledger.compiles().counted(estimate.group) &&
        std::none_of(result.begin(), result.end(), [&](const CandidateGroup& known) {
          return same_programs(known, estimate.group);
        }))
      result.push_back(estimate.group);
  return result;
}

// First ones get what cannot be shared evenly.
int share_of(const Ledger& ledger, const Problem& problem, const CandidateGroup& group) {
  const auto all = families(ledger, problem);
  const auto count = static_cast<int>(all.size());
  const auto place = std::find_if(all.begin(), all.end(), [&](const CandidateGroup& known) {
    return same_programs(known, group);
  });
  const bool early = std::distance(all.begin(), place) < problem.most_compiles % std::max(1, count);
  return std::max(1, problem.most_compiles / std::max(1, count) + early);
}

int compiles_left(const Ledger& ledger, const Problem& problem, const CandidateGroup& group) {
  const Compiles& compiles = ledger.compiles();
  return std::min(compiles.left(), share_of(ledger, problem, group) - compiles.used(group));
}

bool is_allowed(const Problem& problem, std::int64_t batch) {
  return problem.batches.empty() ||
         std::binary_search(problem.batches.begin(), problem.batches.end(), batch);
}

// Paid ones that were not prepared yet, where memory is not known to end before.
std::vector<std::int64_t> untried(const Ledger& ledger, const Problem& problem,
                                  const CandidateGroup& group, const ScanRange& range) {
  std::int64_t wall = std::numeric_limits<std::int64_t>::max();
  for (const Entry* entry : entries_of(ledger, group))
    if (entry->ending.status == TrialStatus::out_of_memory)
      wall = std::min(wall, entry->candidate.batch);
  std::vector<std::int64_t> batches;
  for (const std::int64_t batch : ledger.compiles().paid(group))
    if (batch >= range.smallest && batch <= range.largest && batch < wall &&
        is_allowed(problem, batch) && !ledger.find({group, batch}))
      batches.push_back(batch);
  return batches;
}

std::optional<std::int64_t> nearest(const std::vector<std::int64_t>& batches, std::int64_t wanted) {
  std::optional<std::int64_t> result;
  for (const std::int64_t batch : batches)
    if (!result || octaves_between(batch, wanted) < octaves_between(*result, wanted)) result = batch;
  return result;
}

// Of what is paid: far from all that is known, and not where throughput has fallen for long.
std::optional<std::int64_t> telling(std::vector<std::int64_t> batches, const ScanRange& range,
                                    std::span<const ScanPoint> points,
                                    std::optional<std::int64_t> wanted) {
  if (points.empty()) return std::nullopt;
  const auto best =
      std::max_element(points.begin(), points.end(),
                       [](const ScanPoint& a, const ScanPoint& b) { return a.rate < b.rate; });
  const bool falls = best + 1 != points.end();
  std::erase_if(batches, [&](std::int64_t batch) {
    if (falls && batch > kFarAboveBest * best->batch) return true;
    return std::any_of(points.begin(), points.end(), [&](const ScanPoint& point) {
      return octaves_between(point.batch, batch) < kTellsMore;
    });
  });
  return nearest(batches, wanted.value_or(std::max(range.seed, best->batch)));
}

// Of what is paid: in the same gap as the wanted one, and near it.
std::optional<std::int64_t> stand_in(std::vector<std::int64_t> batches,
                                     std::span<const ScanPoint> points, std::int64_t wanted,
                                     double at_most) {
  const Gap gap = gap_around(points, wanted);
  std::erase_if(batches, [&](std::int64_t batch) {
    return batch <= gap.low || batch >= gap.high || octaves_between(batch, wanted) > at_most;
  });
  return nearest(batches, wanted);
}

// What is known of a group, or supposed.
struct Known {
  std::vector<ScanPoint> points;
  std::vector<std::int64_t> paid;  // and not looked at
  int left = 0;                    // compilations of the group
};

// The next batch of a group; 0: one is worth a compilation, but none is left. nullopt: none is.
std::optional<std::int64_t> pick(const Known& known, const ScanRange& range) {
  const auto wanted = next_of_few(range, known.points, known.left);
  if (const auto told = telling(known.paid, range, known.points, wanted)) return told;
  if (!wanted) return std::nullopt;
  if (const auto near = stand_in(known.paid, known.points, *wanted, kStandInOctaves)) return near;
  const auto is_paid = std::find(known.paid.begin(), known.paid.end(), *wanted) != known.paid.end();
  if (is_paid || known.left > 0) return wanted;
  return stand_in(known.paid, known.points, *wanted, std::numeric_limits<double>::infinity())
      .value_or(0);
}

// As if it had been looked at, with the rate that it is likely to have.
void suppose(Known& known, const ScanRange& range, std::int64_t batch) {
  const ScanPoint likely{batch, likely_rate(range, known.points, batch)};
  const auto place = std::upper_bound(
      known.points.begin(), known.points.end(), likely,
      [](const ScanPoint& a, const ScanPoint& b) { return a.batch < b.batch; });
  known.points.insert(place, likely);
  if (std::erase(known.paid, batch) == 0) --known.left;
}

// `next`, so that its compiler starts first, and what will most likely be wanted after it: without
// what is compiled or begun.
std::vector<Candidate> likely_ahead(const Ledger& ledger, const Problem& problem,
                                    const CandidateGroup& group, const ScanRange& range,
                                    Known known, std::int64_t next) {
  std::vector<Candidate> ahead;
  const Compiles& compiles = ledger.compiles();
  int room = room_ahead(ledger, problem) + compiles.is_pending({group, next});
  for (std::optional<std::int64_t> batch = next; batch.value_or(0) > 0;) {
    const Candidate candidate{group, *batch};
    if (!compiles.is_paid(candidate)) {
      const bool guessed = *batch != next;
      if (guessed && (room <= 0 || known.left <= kKept)) break;
      room -= guessed;
      ahead.push_back(candidate);
    }
    suppose(known, range, *batch);
    batch = pick(known, range);
  }
  return ahead;
}

}  // namespace

int room_ahead(const Ledger& ledger, const Problem& problem) {
  return problem.compiles_elsewhere ? kAhead - ledger.compiles().pending() : 0;
}

bool may_compile(const Ledger& ledger, const Problem& problem, const Candidate& candidate) {
  const Compiles& compiles = ledger.compiles();
  return !compiles.counted(candidate.group) || compiles.is_paid(candidate) ||
         compiles_left(ledger, problem, candidate.group) > 0;
}

CompilePlan plan_compiles(const Ledger& ledger, const Problem& problem, const Estimate& estimate,
                          Seconds left) {
  const CandidateGroup& group = estimate.group;
  const ScanRange range = scan_range(ledger, problem, estimate, left);
  const Known known{scan_points(ledger, entries_of(ledger, group)),
                    untried(ledger, problem, group, range),
                    compiles_left(ledger, problem, group)};
  CompilePlan plan;
  const auto batch = pick(known, range);
  plan.refused = batch == 0;
  if (batch.value_or(0) == 0 || ledger.find({group, *batch})) return plan;
  plan.next = Candidate{group, *batch};
  if (problem.compiles_elsewhere)
    plan.ahead = likely_ahead(ledger, problem, group, range, known, *batch);
  return plan;
}

std::optional<Candidate> compile_before(const Ledger& ledger, const Problem& problem,
                                        const Candidate& next,
                                        const std::optional<Candidate>& then) {
  const Compiles& compiles = ledger.compiles();
  if (!problem.compiles_elsewhere || ledger.find(next)) return std::nullopt;
  if (!compiles.is_paid(next)) return next;
  const int room = room_ahead(ledger, problem) + compiles.is_pending(next);
  return room > 0 && compiles.left() > kKept ? then : std::nullopt;
}

std::optional<Candidate> likely_then(const Ledger& ledger, const Problem& problem,
                                     std::span<const Prospect> prospects, const Prospect& next,
                                     const std::function<bool(const Prospect&)>& may_look) {
  if (!problem.compiles_elsewhere) return std::nullopt;
  const Prospect* best = nullptr;
  for (const Prospect& prospect : prospects) {
    const Candidate& candidate = prospect.candidate;
    if (prospect.trial != 0 || prospect.gain <= 0 || ledger.compiles().is_paid(candidate)) continue;
    const bool same = candidate.group == next.candidate.group;
    if (same && octaves_between(candidate.batch, next.candidate.batch) < kTellsMore) continue;
    if ((!best || prospect.gain > best->gain) && may_look(prospect)) best = &prospect;
  }
  return best ? std::optional(best->candidate) : std::nullopt;
}

std::string compilations_used(const Ledger& ledger) {
  const int used = ledger.compiles().used();
  return fmt::format("{} compilation{} used", used, used == 1 ? "" : "s");
}

}  // namespace batchtune

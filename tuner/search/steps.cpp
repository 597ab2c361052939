// See steps.h.
#include "tuner/search/steps.h"

#include <algorithm>
#include <set>
#include <string>

#include "tuner/core/unknown.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"

namespace batchtune {

std::optional<Ask> fix_anchor(Ledger& ledger, const Problem& problem, const CandidateGroup& group) {
  if (ledger.anchor() != 0) return std::nullopt;
  const auto entries = entries_of(ledger, group);
  if (entries.empty()) return std::nullopt;
  for (const Entry& entry : ledger.entries())
    if (entry.ok() && entry.first_run.value_or(1e9) <= kAnchorRun) {
      ledger.fix_anchor(entry.id);
      return std::nullopt;
    }
  const Entry& lowest = *entries.front();
  if (lowest.candidate.batch <= smallest_batch(problem) || !may_add(ledger, problem)) {
    if (lowest.ok())
      ledger.fix_anchor(lowest.id);
    else
      for (const Entry* entry : entries)
        if (entry->ok() && ledger.anchor() == 0) ledger.fix_anchor(entry->id);
    return std::nullopt;
  }
  std::int64_t half = std::max(smallest_batch(problem), lowest.candidate.batch / 2);
  if (!problem.batches.empty())
    half = *(std::upper_bound(problem.batches.begin(), problem.batches.end(), half) - 1);
  return prepare(ledger, {group, half});
}

std::int64_t largest_guessed(const Problem& problem, const Estimate& estimate) {
  return std::min(is_known(estimate) ? 2 * estimate.batch : kWithoutEstimate,
                  problem.largest_batch);
}

bool may_add(const Ledger& ledger, const Problem& problem) {
  return problem.most_batches <= 0 ||
         static_cast<int>(ledger.entries().size()) < problem.most_batches;
}

bool needs_smallest(const Ledger& ledger, const Problem& problem) {
  std::set<std::string> seen;
  for (const Estimate& estimate : problem.groups)
    if (seen.insert(estimate.group.backend).second &&
        !ledger.find({estimate.group, smallest_batch(problem)}))
      return true;
  return false;
}

std::optional<Ask> trim(Ledger& ledger, const Problem& problem, std::span<const TrialId> needed) {
  std::size_t live = 0;
  const Entry* worst = nullptr;
  for (const Entry& entry : ledger.entries()) {
    live += entry.live;
    const bool is_needed = std::find(needed.begin(), needed.end(), entry.id) != needed.end();
    const bool smallest = entry.candidate.batch == smallest_batch(problem);
    if (!entry.live || is_needed || smallest || !entry.latency || entry.id == ledger.anchor())
      continue;
    if (!worst || ledger.rate(entry) < ledger.rate(*worst)) worst = &entry;
  }
  if (!worst || live <= kMostPrograms) return std::nullopt;
  const TrialId trial = worst->id;
  ledger.release(trial);
  return AskRelease{trial};
}

std::optional<Ask> release_contenders(Ledger& ledger) {
  for (const Entry& entry : ledger.entries())
    if (entry.live && entry.id != ledger.anchor()) {
      const TrialId trial = entry.id;
      ledger.release(trial);
      return AskRelease{trial};
    }
  return std::nullopt;
}

AskPrepare prepare(Ledger& ledger, const Candidate& candidate) {
  return AskPrepare{ledger.number(candidate), candidate};
}

AskCompile compile(Ledger& ledger, const Candidate& candidate) {
  ledger.compile_ahead(candidate);
  return AskCompile{candidate};
}

}  // namespace batchtune

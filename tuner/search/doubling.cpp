// Each ask is found from the ledger by the same questions in the same order: is the anchor fixed,
// does a new candidate lack its first rounds, is another batch worth a look, is the order of the
// contenders open. So the figures may change at any time and the same tells still give the same
// asks.
#include "tuner/search/doubling.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/finals.h"
#include "tuner/search/ledger.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/prove.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"

namespace batchtune {
namespace {

constexpr int kMostCandidates = 20;       // of one group: the scan ends also where noise goes on
constexpr std::size_t kMostPrograms = 8;  // held at once, for the sake of memory

class Doubling final : public Strategy {
 public:
  explicit Doubling(const Problem& problem) : problem_(problem), ledger_(problem_) {}

  Ask ask() override;
  void tell(const Observation& observation) override { ledger_.tell(observation); }

 private:
  std::optional<Ask> check_smallest_fits();
  std::optional<Ask> race();
  std::optional<Ask> fix_anchor(const CandidateGroup& group);
  std::optional<Ask> scan(const Estimate& estimate);
  std::optional<Ask> first_rounds(const std::vector<const Entry*>& entries);
  std::optional<Ask> trim();
  std::optional<Ask> release_contenders();

  Ask prepare(const Candidate& candidate);
  Seconds left() const { return left_to_race(ledger_, problem_); }
  std::optional<Ask> over(SessionEnd end, std::string reason);

  Problem problem_;
  Ledger ledger_;
  ProbePlan probes_;
  Finals finals_;
  bool racing_over_ = false;
  AskStop stop_;
};

Ask Doubling::ask() {
  if (auto ask = check_smallest_fits()) return *ask;
  if (!racing_over_) {
    if (auto ask = race()) return *ask;
    racing_over_ = true;
  }
  if (auto ask = release_contenders()) return *ask;
  const TrialId chosen = chosen_so_far(ledger_, problem_);
  if (auto probe = probes_.next(ledger_, problem_, chosen)) return *probe;
  return stop_;
}

// A model that is too large for the limit at batch 1 is asked alone, under the limit, before
// anything else.
std::optional<Ask> Doubling::check_smallest_fits() {
  if (racing_over_ || !ledger_.entries().empty()) return std::nullopt;
  const SmallestCheck check = check_smallest(ledger_, problem_);
  if (check.ask) return *check.ask;
  if (check.why_not.empty()) return std::nullopt;
  racing_over_ = true;
  return over(SessionEnd::converged, check.why_not);
}

std::optional<Ask> Doubling::race() {
  if (const auto ended = anchor_ended(ledger_)) return over(SessionEnd::failed, *ended);
  if (auto ask = trim()) return ask;
  for (const Estimate& estimate : problem_.groups) {
    if (left() <= 0) break;
    if (auto ask = fix_anchor(estimate.group)) return ask;
    if (auto ask = scan(estimate)) return ask;
  }
  if (auto ask = finals_.next(ledger_, problem_)) return ask;
  stop_ = finals_.stop();
  return std::nullopt;
}

// The first candidate with a short run: the seed, else halved down to the smallest.
std::optional<Ask> Doubling::fix_anchor(const CandidateGroup& group) {
  if (ledger_.anchor() != 0) return std::nullopt;
  const auto entries = entries_of(ledger_, group);
  if (entries.empty()) return std::nullopt;  // the scan begins with the seed
  for (const Entry& entry : ledger_.entries())
    if (entry.ok() && entry.first_run.value_or(1e9) <= kAnchorRun) {
      ledger_.fix_anchor(entry.id);
      return std::nullopt;
    }
  const Entry& lowest = *entries.front();
  if (lowest.candidate.batch <= smallest_batch(problem_)) {
    if (lowest.ok())
      ledger_.fix_anchor(lowest.id);
    else
      for (const Entry* entry : entries)
        if (entry->ok() && ledger_.anchor() == 0) ledger_.fix_anchor(entry->id);
    return std::nullopt;
  }
  std::int64_t half = std::max(smallest_batch(problem_), lowest.candidate.batch / 2);
  if (!problem_.batches.empty())
    half = *(std::upper_bound(problem_.batches.begin(), problem_.batches.end(), half) - 1);
  return prepare({group, half});
}

std::optional<Ask> Doubling::scan(const Estimate& estimate) {
  const auto entries = entries_of(ledger_, estimate.group);
  const std::vector<ScanPoint> points = scan_points(ledger_, entries);
  const ScanRange range = scan_range(ledger_, problem_, estimate, left());
  auto batch = next_below(range, points);
  if (!batch) {
    if (auto ask = first_rounds(entries)) return ask;
    if (entries.size() < kMostCandidates) batch = next_batch(range, points);
  }
  if (!batch || ledger_.find({estimate.group, *batch})) return std::nullopt;
  return prepare({estimate.group, *batch});
}

// All that are new share their first rounds. The leader gets as many again before anything is
// looked for around it: on a busy machine the best of many short looks is often only the luckiest.
std::optional<Ask> Doubling::first_rounds(const std::vector<const Entry*>& entries) {
  double best = 0;
  for (const Entry* entry : entries)
    if (ledger_.choosable(*entry)) best = std::max(best, ledger_.rate(*entry));
  std::vector<TrialId> waiting;
  for (const Entry* entry : entries) {
    if (!entry->live || entry->id == ledger_.anchor() || ledger_.anchor() == 0) continue;
    const bool leads = entry->latency && ledger_.rate(*entry) >= best;
    const int needed = scan_rounds(ledger_.run_seconds(entry->candidate)) * (leads ? 2 : 1);
    if (entry->shared >= needed) continue;
    if (round_cost(ledger_, {entry->id}) <= left()) waiting.push_back(entry->id);
  }
  if (waiting.empty()) return std::nullopt;
  return AskRound{round_of(ledger_, waiting, kShortRound)};
}

// Programs that are clearly worse give their memory back.
std::optional<Ask> Doubling::trim() {
  std::vector<const Entry*> live;
  for (const Entry& entry : ledger_.entries())
    if (entry.live) live.push_back(&entry);
  if (live.size() <= kMostPrograms) return std::nullopt;
  std::vector<TrialId> needed;
  for (const std::string& backend : backends_of(problem_))
    for (const TrialId trial : finalists(ledger_, problem_, backend)) needed.push_back(trial);
  const Entry* worst = nullptr;
  for (const Entry* entry : live) {
    const bool is_needed = std::find(needed.begin(), needed.end(), entry->id) != needed.end();
    const bool smallest = entry->candidate.batch == smallest_batch(problem_);
    if (is_needed || smallest || !entry->latency || entry->id == ledger_.anchor()) continue;
    if (!worst || ledger_.rate(*entry) < ledger_.rate(*worst)) worst = entry;
  }
  if (!worst) return std::nullopt;
  const TrialId trial = worst->id;
  ledger_.release(trial);
  return AskRelease{trial};
}

// Probes need the memory that the contenders hold. The anchor is never released.
std::optional<Ask> Doubling::release_contenders() {
  for (const Entry& entry : ledger_.entries())
    if (entry.live && entry.id != ledger_.anchor()) {
      const TrialId trial = entry.id;
      ledger_.release(trial);
      return AskRelease{trial};
    }
  return std::nullopt;
}

Ask Doubling::prepare(const Candidate& candidate) {
  return AskPrepare{ledger_.number(candidate), candidate};
}

std::optional<Ask> Doubling::over(SessionEnd end, std::string reason) {
  stop_ = AskStop{end, std::move(reason)};
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Strategy> make_doubling(const Problem& problem, std::uint64_t) {
  return std::make_unique<Doubling>(problem);
}

}  // namespace batchtune

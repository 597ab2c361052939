// Each ask is found from the ledger by the same questions in the same order: is the anchor fixed,
// does a new candidate lack its first rounds, is another batch worth a look, is the order of the
// contenders open. So the figures may change at any time and the same tells still give the same
// asks.
#include "tuner/search/doubling.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/compile_plan.h"
#include "tuner/search/finals.h"
#include "tuner/search/ledger.h"
#include "tuner/search/probe_plan.h"
#include "tuner/search/prove.h"
#include "tuner/search/race.h"
#include "tuner/search/scan_view.h"
#include "tuner/search/steps.h"

namespace batchtune {
namespace {

constexpr int kMostCandidates = 20;  // of one group: the scan ends also where noise goes on

class Doubling final : public Strategy {
 public:
  explicit Doubling(const Problem& problem) : problem_(problem), ledger_(problem_) {}

  Ask ask() override;
  void tell(const Observation& observation) override { ledger_.tell(observation); }

 private:
  std::optional<Ask> check_smallest_fits();
  std::optional<Ask> race();
  std::optional<Ask> scan(const Estimate& estimate);
  std::optional<Ask> scan_few(const Estimate& estimate);
  std::optional<Ask> first_rounds(const std::vector<const Entry*>& entries);
  std::vector<TrialId> needed() const;
  bool may_prepare(const CandidateGroup& group) const;

  Seconds left() const { return left_to_race(ledger_, problem_); }
  std::optional<Ask> over(SessionEnd end, std::string reason);

  Problem problem_;
  Ledger ledger_;
  ProbePlan probes_;
  Finals finals_;
  bool racing_over_ = false;
  bool cut_short_ = false;  // a batch was worth a look that Problem::most_batches did not allow, ...
  bool out_of_compiles_ = false;  // ... or Problem::most_compiles
  AskStop stop_;
};

Ask Doubling::ask() {
  if (auto ask = check_smallest_fits()) return *ask;
  if (!racing_over_) {
    if (auto ask = race()) return *ask;
    racing_over_ = true;
  }
  if (auto ask = release_contenders(ledger_)) return *ask;
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
  if (auto ask = trim(ledger_, problem_, needed())) return ask;
  cut_short_ = out_of_compiles_ = false;
  for (const Estimate& estimate : problem_.groups) {
    if (left() <= 0) break;
    if (may_prepare(estimate.group))  // else the smallest batch becomes the anchor
      if (auto ask = fix_anchor(ledger_, problem_, estimate.group)) return ask;
    const bool few =
        ledger_.compiles().counted(estimate.group) && estimate.group.compiled_batch == 0;
    if (auto ask = few ? scan_few(estimate) : scan(estimate)) return ask;
  }
  if (auto ask = finals_.next(ledger_, problem_)) return ask;
  stop_ = finals_.stop();
  if (cut_short_ && stop_.end == SessionEnd::converged) {
    stop_.end = SessionEnd::budget;
    stop_.reason += fmt::format("; more than {} batches are not allowed", problem_.most_batches);
  }
  if (out_of_compiles_ && stop_.end != SessionEnd::failed) {
    stop_.end = SessionEnd::budget;
    stop_.reason = compilations_used(ledger_) + "; " + stop_.reason;
  }
  return std::nullopt;
}

// Groups share Problem::most_batches evenly; each backend's smallest batch, which is always
// measured, has its place kept.
bool Doubling::may_prepare(const CandidateGroup& group) const {
  if (problem_.most_batches <= 0) return true;
  const auto most = static_cast<std::size_t>(problem_.most_batches);
  std::size_t used = ledger_.entries().size();
  for (const Candidate& smallest : smallest_of_backends(problem_))
    used += ledger_.find(smallest) == nullptr;
  const std::size_t share = std::max<std::size_t>(1, most / problem_.groups.size());
  return used < most && entries_of(ledger_, group).size() < share;
}

std::optional<Ask> Doubling::scan(const Estimate& estimate) {
  const auto entries = entries_of(ledger_, estimate.group);
  const std::vector<ScanPoint> points = scan_points(ledger_, entries);
  ScanRange range = scan_range(ledger_, problem_, estimate, left());
  range.seed = round_batch(range.seed);
  auto batch = range.sparing ? std::nullopt : next_below(range, points);
  if (!batch) {
    if (auto ask = first_rounds(entries)) return ask;
    if (entries.size() < kMostCandidates) batch = next_batch(range, points);
  }
  if (!batch || ledger_.find({estimate.group, *batch})) return std::nullopt;
  if (!may_prepare(estimate.group)) {
    cut_short_ = true;
    return std::nullopt;
  }
  const Candidate candidate{estimate.group, *batch};
  if (!may_compile(ledger_, problem_, candidate)) {
    out_of_compiles_ = true;
    return std::nullopt;
  }
  return prepare(ledger_, candidate);
}

// Where compilations are counted: few batches, far apart, and the next ones compiled meanwhile.
std::optional<Ask> Doubling::scan_few(const Estimate& estimate) {
  if (auto ask = first_rounds(entries_of(ledger_, estimate.group))) return ask;
  const CompilePlan plan = plan_compiles(ledger_, problem_, estimate, left());
  out_of_compiles_ |= plan.refused;
  if (!plan.next) return std::nullopt;
  if (!may_prepare(estimate.group)) {
    cut_short_ = true;
    return std::nullopt;
  }
  if (!plan.ahead.empty()) return compile(ledger_, plan.ahead.front());
  return prepare(ledger_, *plan.next);
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

std::vector<TrialId> Doubling::needed() const {
  std::vector<TrialId> needed;
  for (const std::string& backend : backends_of(problem_))
    for (const TrialId trial : finalists(ledger_, problem_, backend)) needed.push_back(trial);
  return needed;
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

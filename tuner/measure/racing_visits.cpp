// See racing_worker.h: visiting a share, and whose fault it is when the process dies of it.
#include <algorithm>
#include <numeric>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/racing_worker.h"

namespace batchtune {
namespace {

using namespace protocol;

// Of all its runs; instances run side by side without waiting for each other, so the slowest
// counts.
Seconds seconds_of(const Visited& visited) {
  Seconds slowest = 0;
  for (const auto& instance : visited.instances)
    slowest = std::max(slowest, std::accumulate(instance.begin(), instance.end(), Seconds{0}));
  return slowest;
}

bool has_runs(const Visited& visited, std::size_t runs) {
  if (visited.ending.status != TrialStatus::ok) return true;
  return !visited.instances.empty() &&
         std::all_of(visited.instances.begin(), visited.instances.end(),
                     [&](const auto& instance) { return instance.size() == runs; });
}

bool answers(const ShareDone& done, const std::vector<PlannedVisit>& share) {
  return (done.bursts.empty() || done.bursts.size() == share.size() + 1) &&
         std::equal(done.visits.begin(), done.visits.end(), share.begin(), share.end(),
                    [](const Visited& visited, const PlannedVisit& planned) {
                      return visited.program == planned.program && visited.warm == planned.warm &&
                             has_runs(visited, static_cast<std::size_t>(planned.warm) +
                                                   static_cast<std::size_t>(planned.timed));
                    });
}

}  // namespace

void RacingWorker::take_answer(ShareDone done, ShareResult& result) {
  for (const Visited& visited : done.visits) {
    result.spent += seconds_of(visited) + visited.extra;
    if (visited.ending.status != TrialStatus::ok) {
      result.endings.emplace_back(visited.program, visited.ending);
      release(visited.program);
    } else if (const auto held = programs_.find(visited.program); held != programs_.end()) {
      held->second.used = ++uses_;
    }
  }
  result.parts.push_back(std::move(done));
}

// That the beacon names, if the share has it; else 0.
TrialId RacingWorker::named_suspect(const std::vector<PlannedVisit>& share) const {
  const TrialId named = process_->beacon().program;
  const bool known = std::any_of(share.begin(), share.end(), [&](const PlannedVisit& planned) {
    return planned.program == named;
  });
  return known ? named : 0;
}

// The suspect leaves the share, and the session, unless it may be innocent: then it is visited in a
// process of its own, once.
void RacingWorker::lay_death_to(TrialId suspect, std::vector<PlannedVisit>& share,
                                const Ending& ending, ShareResult& result) {
  Held& held = programs_.at(suspect);
  const bool once_more =
      !held.tried_alone && count_ready() > 1 && process_->may_be_anothers_doing();
  held.tried_alone = true;
  const auto planned = std::find_if(share.begin(), share.end(), [&](const PlannedVisit& entry) {
    return entry.program == suspect;
  });
  if (once_more) {
    alone_.push_back(*planned);
  } else {
    result.endings.emplace_back(suspect, ending);
    programs_.erase(suspect);
  }
  share.erase(planned);
  lose_process();
}

// Empties the share, or says how the process ended: the visits that were made before are lost with
// it.
std::optional<Ending> RacingWorker::run_share(std::vector<PlannedVisit>& share,
                                              ShareResult& result) {
  const Stopwatch stopwatch;
  process_->send(Share{share, setup_.watch});
  auto reply = process_->receive(setup_.timeout);
  auto* done = reply ? std::get_if<ShareDone>(&*reply) : nullptr;
  if (done != nullptr && answers(*done, share)) {
    take_answer(std::move(*done), result);
    share.clear();
    return std::nullopt;
  }
  Ending ending = reply ? process_->out_of_step() : reply.error();
  result.spent += stopwatch.seconds();
  return ending;
}

// After a death the rest is visited again. Where nothing says whose doing it was, all of them get
// one more try before one is blamed, and the anchor, without which no race goes on, is the last.
Status RacingWorker::visit_all(std::vector<PlannedVisit> share, TrialId anchor,
                               ShareResult& result) {
  bool once_more = true;
  while (!share.empty()) {
    BT_TRY_VOID(prepare_missing(share, result));
    const bool all_ready = std::all_of(
        share.begin(), share.end(),
        [&](const PlannedVisit& planned) { return programs_.at(planned.program).ready; });
    if (share.empty() || !all_ready) continue;
    const std::optional<Ending> ending = run_share(share, result);
    if (!ending) continue;
    if (const TrialId suspect = named_suspect(share); suspect != 0) {
      lay_death_to(suspect, share, *ending, result);
    } else if (std::exchange(once_more, false)) {
      lose_process();
    } else {
      const bool spared = share.size() > 1 && share.front().program == anchor;
      lay_death_to(share[spared ? 1 : 0].program, share, *ending, result);
    }
  }
  return {};
}

Result<ShareResult> RacingWorker::visit(std::vector<PlannedVisit> share, TrialId anchor) {
  ShareResult result;
  lose_dead_process();
  if (process_ != nullptr) parked_->wake();
  BT_TRY_VOID(visit_all(std::move(share), anchor, result));
  for (const PlannedVisit& planned : std::exchange(alone_, {})) {
    lose_process();
    BT_TRY_VOID(visit_all({planned}, anchor, result));
  }
  return result;
}

}  // namespace batchtune

#include "tuner/measure/racing_worker.h"

#include <algorithm>
#include <chrono>

namespace batchtune {
namespace {

using namespace protocol;

class Stopwatch {
 public:
  Seconds seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Sum over runs of the slowest instance's time.
Seconds seconds_of(const Visited& visited) {
  Seconds sum = 0;
  if (visited.instances.empty()) return 0;
  for (std::size_t run = 0; run < visited.instances.front().size(); ++run) {
    Seconds slowest = 0;
    for (const auto& instance : visited.instances)
      if (run < instance.size()) slowest = std::max(slowest, instance[run]);
    sum += slowest;
  }
  return sum;
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

// Killed for want of memory, or by SIGKILL for no reason that could be seen.
bool may_be_anothers_doing(const WorkerProcess& process) {
  const Judgement* judgement = process.judgement();
  return judgement != nullptr &&
         (judgement->unexplained ||
          (judgement->killed && judgement->ending.status == TrialStatus::out_of_memory));
}

}  // namespace

LoadOptions load_options(const MeasuredBackend& backend, const CandidateGroup& group,
                         const std::string& parameters, std::uint64_t seed) {
  LoadOptions options;
  options.group = group;
  options.seed = seed;
  options.isa = backend.isa;
  options.proven_kernels = backend.proven_kernels;
  options.parameters = parameters;
  return options;
}

std::string backend_spec(const MeasuredBackend& backend) {
  return backend.parameters.empty() ? backend.name : backend.name + ":" + backend.parameters;
}

// A worker that died while it waited (the kernel chooses workers first when memory ends) is no
// program's fault: a fresh one takes its place.
void RacingWorker::lose_dead_process() {
  if (process_ != nullptr && process_->gone()) lose_process();
}

Status RacingWorker::ensure_process() {
  lose_dead_process();
  if (process_ != nullptr) {
    parked_->wake();
    return {};
  }
  WorkerStart start;
  start.backend_spec = backend_spec(*setup_.backend);
  start.canary_cpus = setup_.canary_cpus;
  BT_TRY(process, WorkerProcess::start(std::move(start)));
  process_ = std::move(process);
  parked_.emplace(process_->pid());
  return {};
}

void RacingWorker::lose_process() {
  if (process_ != nullptr) parked_->wake();  // a stopped process cannot quit
  process_.reset();
  parked_.reset();
  loads_.clear();
  for (auto& [program, held] : programs_) held.ready = false;
}

void RacingWorker::park() {
  if (process_ != nullptr) parked_->park();
}

std::optional<Seconds> RacingWorker::cpu_seconds() const {
  return process_ != nullptr ? cpu_seconds_of(process_->pid()) : std::nullopt;
}

std::size_t RacingWorker::count_ready() const {
  return static_cast<std::size_t>(std::count_if(
      programs_.begin(), programs_.end(), [](const auto& entry) { return entry.second.ready; }));
}

// Weights go when none of their programs is ready, but for those of `keep`.
void RacingWorker::unload_unused(const std::set<TrialId>& keep) {
  std::set<LoadKey> used;
  for (const auto& [program, held] : programs_)
    if (held.ready || keep.contains(program)) used.insert(held.key);
  std::erase_if(loads_, [&](const auto& entry) {
    if (used.contains(entry.first)) return false;
    process_->send(Unload{entry.second.number});
    return true;
  });
}

Result<Ending> RacingWorker::ensure_loaded(const LoadKey& key, Seconds& load_seconds) {
  if (loads_.contains(key)) return Ending{};
  unload_unused({});  // before the next loads
  const auto& [group, parameters] = key;
  Load request{next_load_++, setup_.model_json,
               load_options(*setup_.backend, group, parameters, setup_.seed), std::nullopt, false};
  process_->send(request);
  const auto reply = process_->receive(setup_.timeout);
  if (!reply) return reply.error();
  if (const auto* refused = std::get_if<Refused>(&*reply)) return tl::unexpected(refused->error);
  const auto* loaded = std::get_if<protocol::Loaded>(&*reply);
  if (loaded == nullptr) return process_->out_of_step();
  load_seconds = loaded->load_seconds;
  if (setup_.on_load) setup_.on_load({group, loaded->load_seconds, loaded->report});
  if (loaded->ending.status == TrialStatus::ok) {
    loads_[key] = {request.load, loaded->shares_weights};
    shares_weights_[key] = loaded->shares_weights;
  }
  return loaded->ending;
}

// An Ending of the process itself (not an answer of the worker) loses the process.
Result<PreparedProgram> RacingWorker::prepare_in_process(TrialId program,
                                                         const Candidate& candidate,
                                                         const LoadKey& key) {
  BT_TRY_VOID(ensure_process());
  const Stopwatch watch;
  const bool alone = count_ready() == 0;
  PreparedProgram prepared;
  BT_TRY(load_ending, ensure_loaded(key, prepared.load_seconds));
  prepared.answer.ending = load_ending;
  if (load_ending.status == TrialStatus::ok) {
    process_->send(Prepare{loads_.at(key).number, program, candidate, setup_.check, setup_.verify});
    auto reply = process_->receive(setup_.timeout);
    auto* answer = reply ? std::get_if<Prepared>(&*reply) : nullptr;
    if (answer != nullptr)
      prepared.answer = std::move(*answer);
    else
      prepared.answer.ending = reply ? process_->out_of_step() : reply.error();
  }
  if (process_->ended()) {
    prepared.answer.spent = watch.seconds();
    prepared.worth_another_try = !alone && may_be_anothers_doing(*process_);
    lose_process();
  }
  return prepared;
}

Result<PreparedProgram> RacingWorker::prepare(TrialId program, const Candidate& candidate,
                                              const std::string& parameters) {
  const LoadKey key{candidate.group, parameters};
  BT_TRY(prepared, prepare_in_process(program, candidate, key));
  const bool again = prepared.worth_another_try;  // now in a fresh process, alone
  if (again) {
    const Seconds lost = prepared.answer.spent;
    BT_TRY(second, prepare_in_process(program, candidate, key));
    prepared = std::move(second);
    prepared.answer.spent += lost;
  }
  if (prepared.answer.ending.status == TrialStatus::ok)
    programs_[program] = {candidate, key, prepared.answer.memory, true, again, ++uses_};
  return prepared;
}

void RacingWorker::release(TrialId program) {
  const auto found = programs_.find(program);
  if (found == programs_.end()) return;
  if (found->second.ready && process_ != nullptr) process_->send(Release{program});
  programs_.erase(found);
}

ProgramMemory RacingWorker::memory_of(TrialId program) const {
  const Held& held = programs_.at(program);
  ProgramMemory memory;
  memory.trial = program;
  memory.ready = held.ready;
  if (!held.memory) return memory;
  memory.own = held.memory->activations + held.memory->workspace;
  memory.shared = held.memory->weights;
  const auto shares = shares_weights_.find(held.key);
  if (shares != shares_weights_.end() && shares->second)
    memory.shared_by = static_cast<int>(std::distance(shares_weights_.begin(), shares)) + 1;
  return memory;
}

void RacingWorker::make_room(const std::set<TrialId>& keep, Bytes limit) {
  std::vector<std::pair<std::uint64_t, TrialId>> others;  // longest unused last
  std::vector<ProgramMemory> memory;
  for (const auto& [program, held] : programs_) {
    if (keep.contains(program) || held.ready) memory.push_back(memory_of(program));
    if (!keep.contains(program) && held.ready) others.emplace_back(held.used, program);
  }
  std::sort(others.rbegin(), others.rend());
  const std::size_t before = others.size();
  while (!others.empty() && memory_together(memory) > limit) {
    const TrialId program = others.back().second;
    others.pop_back();
    process_->send(Release{program});
    programs_.at(program).ready = false;
    std::erase_if(memory, [&](const ProgramMemory& held) { return held.trial == program; });
  }
  if (others.size() < before) unload_unused(keep);
}

// Prepares again what a crash or want of room took; what fails now leaves the share.
Status RacingWorker::prepare_missing(std::vector<PlannedVisit>& share, ShareResult& result) {
  for (const PlannedVisit& planned : share) {
    const auto found = programs_.find(planned.program);
    if (found == programs_.end() || found->second.ready) continue;
    const Held held = found->second;
    BT_TRY(prepared, prepare_in_process(planned.program, held.candidate, held.key));
    result.spent += prepared.answer.spent;
    if (prepared.answer.ending.status == TrialStatus::ok) {
      result.spent += prepared.load_seconds;
      programs_[planned.program].ready = true;
    } else if (prepared.worth_another_try && !held.tried_alone) {
      programs_[planned.program].tried_alone = true;
      alone_.push_back(planned);
    } else {
      result.endings.emplace_back(planned.program, prepared.answer.ending);
      programs_.erase(planned.program);
    }
  }
  std::erase_if(share, [&](const PlannedVisit& planned) {
    const auto is_this = [&](const PlannedVisit& alone) {
      return alone.program == planned.program;
    };
    return !holds(planned.program) || std::any_of(alone_.begin(), alone_.end(), is_this);
  });
  return {};
}

void RacingWorker::take_answer(ShareDone done, ShareResult& result) {
  for (const Visited& visited : done.visits) {
    result.spent += seconds_of(visited);
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
  const bool once_more = !held.tried_alone && count_ready() > 1 && may_be_anothers_doing(*process_);
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
  const Stopwatch watch;
  process_->send(Share{share, setup_.watch});
  auto reply = process_->receive(setup_.timeout);
  auto* done = reply ? std::get_if<ShareDone>(&*reply) : nullptr;
  if (done != nullptr && answers(*done, share)) {
    take_answer(std::move(*done), result);
    share.clear();
    return std::nullopt;
  }
  Ending ending = reply ? process_->out_of_step() : reply.error();
  result.spent += watch.seconds();
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

Result<ShareResult> RacingWorker::make_ready(std::vector<PlannedVisit>& share) {
  ShareResult result;
  lose_dead_process();
  BT_TRY_VOID(prepare_missing(share, result));
  return result;
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

#include "tuner/measure/racing_worker.h"

#include <algorithm>
#include <chrono>
#include <set>

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
  if (process_ != nullptr) return {};
  BT_TRY(process, WorkerProcess::start(backend_spec(*setup_.backend)));
  process_ = std::move(process);
  return {};
}

void RacingWorker::lose_process() {
  process_.reset();
  loads_.clear();
  for (auto& [program, held] : programs_) held.ready = false;
}

// Groups are prepared one after the other: one without programs gives its weights back before the
// next loads.
void RacingWorker::unload_unused() {
  std::set<LoadKey> used;
  for (const auto& [program, held] : programs_) used.insert(held.key);
  std::erase_if(loads_, [&](const auto& entry) {
    if (used.contains(entry.first)) return false;
    process_->send(Unload{entry.second});
    return true;
  });
}

Result<Ending> RacingWorker::ensure_loaded(const LoadKey& key, Seconds& load_seconds) {
  if (loads_.contains(key)) return Ending{};
  unload_unused();
  const auto& [group, parameters] = key;
  Load request{next_load_++, setup_.model_json,
               load_options(*setup_.backend, group, parameters, setup_.seed), std::nullopt, false};
  process_->send(request);
  const auto reply = process_->receive(setup_.timeout);
  if (!reply) return reply.error();
  if (const auto* refused = std::get_if<Refused>(&*reply)) return tl::unexpected(refused->error);
  const auto* loaded = std::get_if<Loaded>(&*reply);
  if (loaded == nullptr) return process_->out_of_step();
  load_seconds = loaded->load_seconds;
  if (setup_.on_load) setup_.on_load({group, loaded->load_seconds, loaded->report});
  if (loaded->ending.status == TrialStatus::ok) loads_[key] = request.load;
  return loaded->ending;
}

// An Ending of the process itself (not an answer of the worker) loses the process.
Result<PreparedProgram> RacingWorker::prepare_in_process(TrialId program,
                                                         const Candidate& candidate,
                                                         const LoadKey& key) {
  BT_TRY_VOID(ensure_process());
  const Stopwatch watch;
  PreparedProgram prepared;
  BT_TRY(load_ending, ensure_loaded(key, prepared.load_seconds));
  prepared.answer.ending = load_ending;
  if (load_ending.status == TrialStatus::ok) {
    process_->send(Prepare{loads_.at(key), program, candidate, setup_.check});
    auto reply = process_->receive(setup_.timeout);
    auto* answer = reply ? std::get_if<Prepared>(&*reply) : nullptr;
    if (answer != nullptr)
      prepared.answer = std::move(*answer);
    else
      prepared.answer.ending = reply ? process_->out_of_step() : reply.error();
  }
  if (process_->ended()) {
    prepared.answer.spent = watch.seconds();
    lose_process();
  }
  return prepared;
}

Result<PreparedProgram> RacingWorker::prepare(TrialId program, const Candidate& candidate,
                                              const std::string& parameters) {
  const LoadKey key{candidate.group, parameters};
  BT_TRY(prepared, prepare_in_process(program, candidate, key));
  if (prepared.answer.ending.status == TrialStatus::ok) programs_[program] = {candidate, key, true};
  return prepared;
}

void RacingWorker::release(TrialId program) {
  const auto found = programs_.find(program);
  if (found == programs_.end()) return;
  if (found->second.ready && process_ != nullptr) process_->send(Release{program});
  programs_.erase(found);
}

// Prepares again what a crash took; what fails now leaves the share.
Status RacingWorker::prepare_missing(std::vector<PlannedVisit>& share, ShareResult& result) {
  for (const PlannedVisit& planned : share) {
    const auto found = programs_.find(planned.program);
    if (found == programs_.end() || found->second.ready) continue;
    const Held held = found->second;
    BT_TRY(prepared, prepare_in_process(planned.program, held.candidate, held.key));
    result.spent += prepared.answer.spent;
    if (prepared.answer.ending.status == TrialStatus::ok) {
      programs_[planned.program].ready = true;
    } else {
      result.endings.emplace_back(planned.program, prepared.answer.ending);
      programs_.erase(planned.program);
    }
  }
  std::erase_if(share, [&](const PlannedVisit& planned) { return !holds(planned.program); });
  return {};
}

// Takes the programs that were visited, or ended, out of the share.
void RacingWorker::run_share(std::vector<PlannedVisit>& share, ShareResult& result) {
  const auto take = [&](TrialId program) {
    std::erase_if(share, [&](const PlannedVisit& planned) { return planned.program == program; });
  };
  Stopwatch since_last_visit;
  process_->send(Share{share});
  for (;;) {
    auto reply = process_->receive(setup_.timeout);
    if (reply && std::holds_alternative<ShareDone>(*reply)) return share.clear();
    if (auto* visited = reply ? std::get_if<Visited>(&*reply) : nullptr) {
      since_last_visit = Stopwatch();
      take(visited->program);
      result.spent += seconds_of(*visited);
      if (visited->ending.status == TrialStatus::ok) {
        result.visits.push_back(std::move(*visited));
      } else {
        result.endings.emplace_back(visited->program, visited->ending);
        release(visited->program);
      }
      continue;
    }
    // The worker is gone: the program that it had in hand is the suspect.
    if (share.empty()) return lose_process();
    const TrialId suspect = holds(process_->last_beat().program) ? process_->last_beat().program
                                                                 : share.front().program;
    result.endings.emplace_back(suspect, reply ? process_->out_of_step() : reply.error());
    result.spent += since_last_visit.seconds();
    take(suspect);
    programs_.erase(suspect);
    return lose_process();
  }
}

Result<ShareResult> RacingWorker::visit(std::vector<PlannedVisit> share) {
  ShareResult result;
  lose_dead_process();
  while (!share.empty()) {
    BT_TRY_VOID(prepare_missing(share, result));
    const bool all_ready = std::all_of(
        share.begin(), share.end(),
        [&](const PlannedVisit& planned) { return programs_.at(planned.program).ready; });
    if (all_ready && !share.empty()) run_share(share, result);
  }
  return result;
}

}  // namespace batchtune

// See racing_worker.h: its process, and what that holds. Visits are in racing_visits.cpp.
#include "tuner/measure/racing_worker.h"

#include <algorithm>

#include "tuner/backend/dynamic_batch.h"
#include "tuner/core/stopwatch.h"

namespace batchtune {

using namespace protocol;

LoadOptions load_options(const MeasuredBackend& backend, const CandidateGroup& group,
                         const std::string& parameters, std::uint64_t seed) {
  LoadOptions options;
  options.group = group_to_load(group);
  options.seed = seed;
  options.isa = backend.isa;
  options.proven_kernels = backend.proven_kernels;
  options.parameters = parameters;
  options.input_file = backend.input_file;
  if (const auto variant = backend.variants.find(group.variant); variant != backend.variants.end())
    options.variant_arguments = variant->second;
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
  start.clean_up = setup_.backend->clean_up;
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

Result<Ending> RacingWorker::ensure_loaded(const LoadKey& key) {
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
  LoadTold& told = untold_[key];
  told.seconds += loaded->load_seconds;
  told.compiled = loaded->report.compiled;
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
  const Stopwatch stopwatch;
  const bool alone = count_ready() == 0;
  PreparedProgram prepared;
  BT_TRY(load_ending, ensure_loaded(key));
  if (auto told = untold_.extract(key); !told.empty()) {
    prepared.load_seconds = told.mapped().seconds;
    prepared.compiled = std::move(told.mapped().compiled);
  }
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
    prepared.answer.spent = stopwatch.seconds();
    prepared.worth_another_try = !alone && process_->may_be_anothers_doing();
    lose_process();
  }
  return prepared;
}

Result<PreparedProgram> RacingWorker::prepare(TrialId program, const Candidate& candidate,
                                              const std::string& parameters) {
  const LoadKey key{group_to_load(candidate.group), parameters};
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

void RacingWorker::compile_ahead(const Candidate& candidate, const std::string& parameters) {
  const LoadKey key{group_to_load(candidate.group), parameters};
  if (!ensure_process()) return;
  const auto loaded = ensure_loaded(key);
  if (loaded && loaded->status == TrialStatus::ok)
    process_->send(CompileAhead{loads_.at(key).number, candidate});
  if (process_->ended()) lose_process();
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

Result<ShareResult> RacingWorker::make_ready(std::vector<PlannedVisit>& share) {
  ShareResult result;
  lose_dead_process();
  BT_TRY_VOID(prepare_missing(share, result));
  return result;
}

}  // namespace batchtune

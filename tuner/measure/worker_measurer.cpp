#include "tuner/measure/worker_measurer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "tuner/measure/racing_worker.h"
#include "tuner/measure/round_plan.h"
#include "tuner/measure/solo_worker.h"
#include "tuner/measure/worker.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

using namespace protocol;

// Before a reference program has run; the real ones take 2 to 5 ms.
constexpr Seconds kReferenceGuess = 0.004;

Seconds median_of_timed(const Visited& visited) {
  std::vector<Seconds> timed;
  for (const auto& instance : visited.instances)
    timed.insert(timed.end(),
                 instance.begin() + std::min<std::ptrdiff_t>(visited.warm, std::ssize(instance)),
                 instance.end());
  if (timed.empty()) return 0;
  const auto middle = timed.begin() + std::ssize(timed) / 2;
  std::nth_element(timed.begin(), middle, timed.end());
  return *middle;
}

}  // namespace

class WorkerMeasurer::Impl {
 public:
  explicit Impl(WorkerMeasurerOptions options);

  Result<Observation> prepare(TrialId trial, const Candidate& candidate);
  Result<Observation> run_round(const RoundRequest& request);
  Result<Observation> probe(const ProbeRequest& request);
  void release(TrialId trial);

 private:
  // A worker's turn in a round. `worker` is a racing worker or the reference programs'.
  struct Turn {
    RacingWorker* worker = nullptr;
    std::vector<PlannedVisit> share;
  };

  RacingSetup racing_setup(MeasuredBackend& backend);
  Result<const MeasuredBackend*> find_backend(const std::string& name) const;
  RacingWorker* worker_of(TrialId trial);
  Status prepare_references(Observation& observation);
  void tell_reference_lost(TrialId program, const Ending& ending);
  std::vector<Turn> plan(const RoundRequest& request, Round& round);
  Status take_turn(Turn& turn, Round& round, Observation& observation);
  void record(const Visited& visited, bool reference, int position, Round& round);
  Observation begin_observation() const;
  bool is_reference(const RacingWorker* worker) const { return worker == reference_.get(); }

  WorkerMeasurerOptions options_;
  std::string model_json_;
  SteadyClock steady_;
  const Clock& clock_;
  double started_;
  MeasuredBackend reference_backend_{kReferenceBackend, "", MemoryKind::account, "", {}};
  std::map<std::string, RacingWorker> workers_;   // by backend
  std::map<TrialId, Seconds> run_seconds_;        // as far as known: what rounds are planned with
  std::unique_ptr<RacingWorker> reference_;       // its programs are numbered from 1; null: none
  std::map<TrialId, Seconds> reference_seconds_;  // of those that are ready
  bool references_prepared_ = false;
};

WorkerMeasurer::Impl::Impl(WorkerMeasurerOptions options)
    : options_(std::move(options)),
      model_json_(write_model(options_.model)),
      clock_(options_.clock != nullptr ? *options_.clock : steady_),
      started_(clock_.now()) {
  for (MeasuredBackend& backend : options_.backends)
    workers_.emplace(backend.name, RacingWorker(racing_setup(backend)));
  if (options_.reference_threads == 0) return;
  RacingSetup setup = racing_setup(reference_backend_);
  setup.model_json.clear();
  setup.check = false;
  setup.on_load = nullptr;
  reference_ = std::make_unique<RacingWorker>(std::move(setup));
}

// Kernels that proved right in one load need no proof in the next.
RacingSetup WorkerMeasurer::Impl::racing_setup(MeasuredBackend& backend) {
  const auto on_load = [this, &backend](const LoadNotice& notice) {
    const auto& proven = notice.report.newly_proven_kernels;
    backend.proven_kernels.insert(backend.proven_kernels.end(), proven.begin(), proven.end());
    if (options_.on_load) options_.on_load(notice);
  };
  return {&backend, model_json_, options_.seed, options_.timeout, true, on_load};
}

Observation WorkerMeasurer::Impl::begin_observation() const {
  Observation observation;
  observation.started = options_.session_age + clock_.now() - started_;
  return observation;
}

Result<const MeasuredBackend*> WorkerMeasurer::Impl::find_backend(const std::string& name) const {
  for (const MeasuredBackend& backend : options_.backends)
    if (backend.name == name) return &backend;
  return bad_input("a candidate of a backend of this session", "\"" + name + "\"");
}

RacingWorker* WorkerMeasurer::Impl::worker_of(TrialId trial) {
  for (auto& [name, worker] : workers_)
    if (worker.holds(trial)) return &worker;
  return nullptr;
}

Result<Observation> WorkerMeasurer::Impl::prepare(TrialId trial, const Candidate& candidate) {
  BT_TRY(backend, find_backend(candidate.group.backend));
  Observation observation = begin_observation();
  release(trial);
  BT_TRY(prepared, workers_.at(backend->name).prepare(trial, candidate, backend->parameters));
  const Prepared& answer = prepared.answer;
  if (answer.ending.status == TrialStatus::ok) run_seconds_[trial] = answer.first_run.value_or(0);
  observation.device_time = answer.spent;
  observation.what = Preparation{trial,
                                 candidate,
                                 answer.ending,
                                 answer.prepare_seconds,
                                 prepared.load_seconds,
                                 answer.first_run,
                                 answer.memory};
  return observation;
}

// Once, before the first round. A reference program that does not run is left out of the session.
Status WorkerMeasurer::Impl::prepare_references(Observation& observation) {
  if (reference_ == nullptr || references_prepared_) return {};
  references_prepared_ = true;
  Candidate candidate;
  candidate.group.backend = kReferenceBackend;
  candidate.group.threads = options_.reference_threads;
  for (int i = 0; i < static_cast<int>(std::size(kReferencePrograms)); ++i) {
    BT_TRY(prepared, reference_->prepare(i + 1, candidate, kReferencePrograms[i]));
    observation.device_time += prepared.answer.spent;
    if (prepared.answer.ending.status == TrialStatus::ok)
      reference_seconds_[i + 1] = prepared.answer.first_run.value_or(kReferenceGuess);
    else
      tell_reference_lost(i + 1, prepared.answer.ending);
  }
  return {};
}

void WorkerMeasurer::Impl::tell_reference_lost(TrialId program, const Ending& ending) {
  if (options_.on_reference_lost)
    options_.on_reference_lost(kReferencePrograms[program - 1], ending);
}

// Anchor and references first, then contenders for the time left; then the order is drawn.
std::vector<WorkerMeasurer::Impl::Turn> WorkerMeasurer::Impl::plan(const RoundRequest& request,
                                                                   Round& round) {
  RoundRandom random = round_random(options_.seed, request.sequence);
  std::map<RacingWorker*, std::vector<PlannedVisit>> shares;
  Seconds left = request.seconds;
  const auto add = [&](RacingWorker* worker, TrialId program, Seconds run) {
    const VisitLength length = visit_length(run);
    shares[worker].push_back({program, length.warm, length.timed});
    left -= run * length.runs();
  };
  for (const auto& [program, run] : reference_seconds_) add(reference_.get(), program, run);

  std::vector<PricedContender> contenders;
  const auto consider = [&](TrialId trial, double weight) {
    if (worker_of(trial) == nullptr)
      round.failures.push_back({trial, {TrialStatus::failed, "not prepared", "", ""}});
    else if (trial == request.anchor)
      add(worker_of(trial), trial, run_seconds_[trial]);
    else
      contenders.push_back({trial, weight, run_seconds_[trial]});
  };
  if (request.anchor != 0) consider(request.anchor, 1);
  for (const Contender& contender : request.contenders)
    if (contender.trial != request.anchor) consider(contender.trial, contender.weight);
  for (const PricedContender& drawn : draw_contenders(contenders, left, random))
    add(worker_of(drawn.trial), drawn.trial, drawn.run);

  std::vector<Turn> turns;  // by name, not by address: the order must be repeatable
  for (auto& [name, worker] : workers_)
    if (shares.contains(&worker)) turns.push_back({&worker, shares[&worker]});
  if (shares.contains(reference_.get()))
    turns.push_back({reference_.get(), shares[reference_.get()]});
  for (Turn& turn : turns) shuffle_in_place(turn.share, random);
  shuffle_in_place(turns, random);
  return turns;
}

// One Visit for each instance; all of them share the position.
void WorkerMeasurer::Impl::record(const Visited& visited, bool reference, int position,
                                  Round& round) {
  for (int instance = 0; instance < std::ssize(visited.instances); ++instance) {
    Visit visit;
    if (reference)
      visit.reference = kReferencePrograms[visited.program - 1];
    else
      visit.trial = visited.program;
    visit.position = position;
    visit.instance = instance;
    visit.warm = visited.warm;
    visit.seconds = visited.instances[static_cast<std::size_t>(instance)];
    round.visits.push_back(std::move(visit));
  }
}

Status WorkerMeasurer::Impl::take_turn(Turn& turn, Round& round, Observation& observation) {
  const bool reference = is_reference(turn.worker);
  auto& known_seconds = reference ? reference_seconds_ : run_seconds_;
  BT_TRY(result, turn.worker->visit(std::move(turn.share)));
  observation.device_time += result.spent;
  for (const Visited& visited : result.visits) {
    const int position = round.visits.empty() ? 0 : round.visits.back().position + 1;
    record(visited, reference, position, round);
    known_seconds[visited.program] = median_of_timed(visited);
  }
  for (const auto& [program, ending] : result.endings) {
    known_seconds.erase(program);
    if (reference)
      tell_reference_lost(program, ending);
    else
      round.failures.push_back({program, ending});
  }
  return {};
}

Result<Observation> WorkerMeasurer::Impl::run_round(const RoundRequest& request) {
  Observation observation = begin_observation();
  BT_TRY_VOID(prepare_references(observation));
  Round round;
  for (Turn& turn : plan(request, round)) BT_TRY_VOID(take_turn(turn, round, observation));
  observation.what = std::move(round);
  return observation;
}

Result<Observation> WorkerMeasurer::Impl::probe(const ProbeRequest& request) {
  BT_TRY(backend, find_backend(request.candidate.group.backend));
  Observation observation = begin_observation();
  for (auto& [name, worker] : workers_) worker.rest();  // a probe may want all the memory there is
  BT_TRY(probe,
         probe_alone(*backend, model_json_, request,
                     {options_.seed, options_.timeout, options_.limiter, options_.cgroup_root}));
  observation.device_time = probe.seconds;
  observation.what = std::move(probe);
  return observation;
}

void WorkerMeasurer::Impl::release(TrialId trial) {
  for (auto& [name, worker] : workers_) worker.release(trial);
  run_seconds_.erase(trial);
}

WorkerMeasurer::WorkerMeasurer(WorkerMeasurerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
WorkerMeasurer::~WorkerMeasurer() = default;

Result<Observation> WorkerMeasurer::prepare(TrialId trial, const Candidate& candidate) {
  return impl_->prepare(trial, candidate);
}
Result<Observation> WorkerMeasurer::run_round(const RoundRequest& request) {
  return impl_->run_round(request);
}
Result<Observation> WorkerMeasurer::probe(const ProbeRequest& request) {
  return impl_->probe(request);
}
void WorkerMeasurer::release(TrialId trial) {
  impl_->release(trial);
}

}  // namespace batchtune

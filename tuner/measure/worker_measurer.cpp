#include "tuner/measure/worker_measurer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/known_programs.h"
#include "tuner/measure/memory_groups.h"
#include "tuner/measure/overhead.h"
#include "tuner/measure/racing_worker.h"
#include "tuner/measure/round_plan.h"
#include "tuner/measure/session_references.h"
#include "tuner/measure/solo_worker.h"
#include "tuner/measure/turns.h"
#include "tuner/measure/visit_recorder.h"
#include "tuner/measure/worker.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

using namespace protocol;

// As it was asked for among the contenders, if it was.
Contender anchor_of(const RoundRequest& request) {
  for (const Contender& contender : request.contenders)
    if (contender.trial == request.anchor) return contender;
  return {request.anchor};
}

}  // namespace

class WorkerMeasurer::Impl {
 public:
  explicit Impl(WorkerMeasurerOptions options);

  Result<Observation> prepare(TrialId trial, const Candidate& candidate);
  Result<Observation> run_round(const RoundRequest& request);
  Result<Observation> probe(const ProbeRequest& request);
  void release(TrialId trial);
  void compile_ahead(const Candidate& candidate);
  Result<Overhead> measure_overhead();
  const QuietLevels& quiet_levels() const { return recorder_.quiet_levels(); }

 private:
  RacingSetup racing_setup(MeasuredBackend& backend);
  RacingSetup reference_setup();
  Result<const MeasuredBackend*> find_backend(const std::string& name) const;
  RacingWorker* worker_of(TrialId trial);
  std::vector<Contender> contenders_of(const RoundRequest& request, Round& round);
  std::set<TrialId> fitting_memory(const RoundRequest& request,
                                   const std::vector<Contender>& contenders);
  std::vector<Turn> plan(const RoundRequest& request, Round& round);
  Ending check_outputs(const CandidateGroup& group, OutputCheck check, std::vector<float> output);
  std::optional<Bytes> memory_of_worker() const;  // that its programs may hold; nullopt: any
  Status make_ready(Turn& turn, Round& round, Observation& observation);
  Status run_turn(Turn turn, Round& round, Observation& observation);
  void take_endings(const ShareResult& share, bool reference, Round& round);
  Observation begin_observation();
  Observation end_observation(Observation observation) const;
  std::vector<RacingWorker*> all_but(const RacingWorker* worker);
  bool is_reference(const RacingWorker* worker) {
    return references_ && worker == &references_->worker();
  }

  WorkerMeasurerOptions options_;
  std::string model_json_;
  SteadyClock steady_;
  const Clock& clock_;
  double started_;
  MeasuredBackend reference_backend_{kReferenceBackend, "", MemoryKind::account, "", {}};
  Stopwatch observation_watch_;                  // of the observation that is made now
  std::map<std::string, RacingWorker> workers_;  // by backend
  KnownPrograms known_;
  std::optional<SessionReferences> references_;
  BalancedDraws draws_;
  std::map<const RacingWorker*, MemoryGroups> groups_;
  TrialId anchor_ = 0;  // of the last round: it stays prepared
  VisitRecorder recorder_;
  BackendOutputs outputs_;
};

WorkerMeasurer::Impl::Impl(WorkerMeasurerOptions options)
    : options_(std::move(options)),
      model_json_(write_model(options_.model)),
      clock_(options_.clock != nullptr ? *options_.clock : steady_),
      started_(clock_.now()),
      recorder_(options_.canary_cpus > 0, options_.quiet) {
  for (MeasuredBackend& backend : options_.backends)
    workers_.emplace(backend.name, RacingWorker(racing_setup(backend)));
  if (options_.reference_threads > 0)
    references_.emplace(reference_setup(), options_.reference_threads, options_.on_reference_lost);
}

RacingSetup WorkerMeasurer::Impl::reference_setup() {
  RacingSetup setup = racing_setup(reference_backend_);
  setup.model_json.clear();
  setup.check = setup.verify = false;
  setup.on_load = nullptr;
  return setup;
}

// Kernels that proved right in one load need no proof in the next.
RacingSetup WorkerMeasurer::Impl::racing_setup(MeasuredBackend& backend) {
  const auto on_load = [this, &backend](const LoadNotice& notice) {
    const auto& proven = notice.report.newly_proven_kernels;
    backend.proven_kernels.insert(backend.proven_kernels.end(), proven.begin(), proven.end());
    if (options_.on_load) options_.on_load(notice);
  };
  RacingSetup setup;
  setup.backend = &backend;
  setup.model_json = model_json_;
  setup.seed = options_.seed;
  setup.timeout = options_.timeout;
  setup.verify = options_.verify;
  setup.watch = options_.canary_cpus > 0;
  setup.canary_cpus = options_.canary_cpus;
  setup.on_load = on_load;
  return setup;
}

Observation WorkerMeasurer::Impl::begin_observation() {
  observation_watch_ = {};
  Observation observation;
  observation.started = options_.session_age + clock_.now() - started_;
  return observation;
}

Observation WorkerMeasurer::Impl::end_observation(Observation observation) const {
  observation.wall = observation_watch_.seconds();
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
  RacingWorker& worker = workers_.at(backend->name);
  BT_TRY(prepared, worker.prepare(trial, candidate, backend->parameters));
  Prepared& answer = prepared.answer;
  if (Ending ending = check_outputs(candidate.group, backend->outputs, std::move(answer.output));
      ending.status != TrialStatus::ok) {
    answer.ending = std::move(ending);
    worker.release(trial);
  }
  if (answer.ending.status == TrialStatus::ok) {
    const auto warm = options_.warm.find(trial);
    known_.prepared(trial, answer.first_run.value_or(0),
                    warm != options_.warm.end() ? warm->second : 0);
    // Only now is known what it holds; the limit leaves room for one program too many.
    if (const auto most = memory_of_worker()) worker.make_room({trial, anchor_}, *most);
  }
  observation.device_time = answer.spent;
  observation.what = Preparation{trial,
                                 candidate,
                                 answer.ending,
                                 answer.prepare_seconds,
                                 prepared.load_seconds,
                                 answer.first_run,
                                 answer.memory,
                                 answer.compile_seconds,
                                 std::move(prepared.compiled)};
  return end_observation(std::move(observation));
}

// Ok but for a strict check that fails.
Ending WorkerMeasurer::Impl::check_outputs(const CandidateGroup& group, OutputCheck check,
                                           std::vector<float> output) {
  if (output.empty() || check == OutputCheck::off) return {};
  const auto notice = outputs_.add(group, std::move(output));
  if (!notice) return {};
  if (options_.on_outputs) options_.on_outputs(*notice);
  for (const MeasuredBackend& backend : options_.backends)
    if (backend.name == notice->against.backend) check = std::min(check, backend.outputs);
  if (notice->agree() || check != OutputCheck::strict) return {};
  return {TrialStatus::wrong_result,
          "the output of sample 0 differs from that of " + to_string(notice->against),
          "largest difference " + format_number(notice->error, 3) + " of the largest value, allowed " +
              format_number(notice->allowed, 3),
          ""};
}

std::optional<Bytes> WorkerMeasurer::Impl::memory_of_worker() const {
  if (!options_.programs_memory) return std::nullopt;
  return *options_.programs_memory / static_cast<Bytes>(workers_.size());
}

// Those that are prepared, without the anchor.
std::vector<Contender> WorkerMeasurer::Impl::contenders_of(const RoundRequest& request,
                                                           Round& round) {
  std::vector<Contender> contenders;
  const auto is_there = [&](TrialId trial) {
    if (worker_of(trial) != nullptr) return true;
    round.failures.push_back({trial, {TrialStatus::failed, "not prepared", "", ""}});
    return false;
  };
  if (request.anchor != 0) (void)is_there(request.anchor);
  for (const Contender& contender : request.contenders)
    if (contender.trial != request.anchor && is_there(contender.trial))
      contenders.push_back(contender);
  return contenders;
}

// Contenders that may race in this round; the memory of others is given back where it is needed.
std::set<TrialId> WorkerMeasurer::Impl::fitting_memory(const RoundRequest& request,
                                                       const std::vector<Contender>& contenders) {
  std::set<TrialId> fitting;
  for (auto& [name, worker] : workers_) {
    std::vector<ProgramMemory> held, anchor;
    for (const Contender& contender : contenders)
      if (worker.holds(contender.trial)) held.push_back(worker.memory_of(contender.trial));
    if (worker.holds(request.anchor)) anchor.push_back(worker.memory_of(request.anchor));
    const std::optional<Bytes> most = memory_of_worker();
    if (!most) {
      for (const ProgramMemory& program : held) fitting.insert(program.trial);
      continue;
    }
    std::set<TrialId> racing = groups_[&worker].next(held, anchor, *most);
    fitting.insert(racing.begin(), racing.end());
    racing.insert(request.anchor);
    worker.make_room(racing, *most);
  }
  return fitting;
}

// Anchor and references first, then contenders for the time left; then the order is drawn.
std::vector<Turn> WorkerMeasurer::Impl::plan(const RoundRequest& request, Round& round) {
  RoundRandom random = round_random(options_.seed, request.sequence);
  std::map<RacingWorker*, std::vector<PlannedVisit>> shares;
  Seconds left = request.seconds;
  const auto add = [&](RacingWorker* worker, const PricedContender& priced) {
    shares[worker].push_back({priced.trial, priced.length.warm, priced.length.timed});
    left -= priced.visit_seconds();
  };
  if (references_)
    for (const auto& [program, run] : references_->known().run_seconds())
      add(&references_->worker(), references_->known().price({program}, request.seconds));
  const std::vector<Contender> contenders = contenders_of(request, round);
  const std::set<TrialId> fitting = fitting_memory(request, contenders);
  if (RacingWorker* worker = worker_of(request.anchor))
    add(worker, known_.price(anchor_of(request), request.seconds));
  std::vector<PricedContender> candidates;
  for (const Contender& contender : contenders)
    if (fitting.contains(contender.trial)) candidates.push_back(known_.price(contender, left));
  for (const PricedContender& drawn : draws_.draw(candidates, left, random))
    add(worker_of(drawn.trial), drawn);

  std::vector<Turn> turns;  // by name, not by address: the order must be repeatable
  for (auto& [name, worker] : workers_)
    if (shares.contains(&worker)) turns.push_back({&worker, shares[&worker], request.anchor});
  if (references_ && shares.contains(&references_->worker()))
    turns.push_back({&references_->worker(), shares[&references_->worker()], 0});
  for (Turn& turn : turns) shuffle_in_place(turn.share, random);
  shuffle_in_place(turns, random);
  return turns;
}

std::vector<RacingWorker*> WorkerMeasurer::Impl::all_but(const RacingWorker* worker) {
  std::vector<RacingWorker*> others;
  for (auto& [name, other] : workers_)
    if (&other != worker) others.push_back(&other);
  if (references_ && !is_reference(worker)) others.push_back(&references_->worker());
  return others;
}

void WorkerMeasurer::Impl::take_endings(const ShareResult& share, bool reference, Round& round) {
  for (const auto& [program, ending] : share.endings) {
    if (reference) {
      references_->lose(program, ending);
    } else {
      known_.forget(program);
      round.failures.push_back({program, ending});
    }
  }
}

// What was given back or lost is prepared again before the first turn, not amid the round.
Status WorkerMeasurer::Impl::make_ready(Turn& turn, Round& round, Observation& observation) {
  BT_TRY(share, turn.worker->make_ready(turn.share));
  observation.device_time += share.spent;
  take_endings(share, is_reference(turn.worker), round);
  return {};
}

Status WorkerMeasurer::Impl::run_turn(Turn turn, Round& round, Observation& observation) {
  const bool reference = is_reference(turn.worker);
  KnownPrograms& known = reference ? references_->known() : known_;
  const std::vector<RacingWorker*> parked = all_but(turn.worker);
  BT_TRY(result, take_turn(std::move(turn), parked, options_.canary_cpus > 0));
  observation.device_time += result.share.spent;
  for (const ShareDone& done : result.share.parts) {
    observation.canaries += done.canaries;
    for (const Visited& visited : done.visits)
      if (visited.ending.status == TrialStatus::ok) known.visited(visited);
  }
  recorder_.add(result, reference, round);
  take_endings(result.share, reference, round);
  return {};
}

Result<Observation> WorkerMeasurer::Impl::run_round(const RoundRequest& request) {
  Observation observation = begin_observation();
  if (references_) {
    BT_TRY(spent, references_->prepare());
    observation.device_time += spent;
  }
  anchor_ = request.anchor;
  Round round;
  std::vector<Turn> turns = plan(request, round);
  for (Turn& turn : turns) BT_TRY_VOID(make_ready(turn, round, observation));
  for (Turn& turn : turns) BT_TRY_VOID(run_turn(std::move(turn), round, observation));
  observation.what = std::move(round);
  return end_observation(std::move(observation));
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
  return end_observation(std::move(observation));
}

Result<Overhead> WorkerMeasurer::Impl::measure_overhead() {
  for (RacingWorker* worker : all_but(nullptr)) worker->park();
  return batchtune::measure_overhead(reference_setup());
}

void WorkerMeasurer::Impl::release(TrialId trial) {
  for (auto& [name, worker] : workers_) worker.release(trial);
  known_.forget(trial);
  draws_.forget(trial);
}

void WorkerMeasurer::Impl::compile_ahead(const Candidate& candidate) {
  const auto backend = find_backend(candidate.group.backend);
  if (backend) workers_.at((*backend)->name).compile_ahead(candidate, (*backend)->parameters);
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
void WorkerMeasurer::compile_ahead(const Candidate& candidate) {
  impl_->compile_ahead(candidate);
}

Result<Overhead> WorkerMeasurer::measure_overhead() {
  return impl_->measure_overhead();
}
const QuietLevels& WorkerMeasurer::quiet_levels() const {
  return impl_->quiet_levels();
}

}  // namespace batchtune

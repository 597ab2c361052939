#include "tuner/measure/worker.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "tuner/measure/channel.h"
#include "tuner/measure/output_check.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/soak.h"
#include "tuner/measure/visit.h"
#include "tuner/measure/worker_process.h"
#include "tuner/measure/worker_setup.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

using namespace protocol;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kExitOk = 0, kExitNoParent = 1, kExitBadRequest = 2;
constexpr Seconds kBeatInterval =
    0.2;  // rare enough to disturb nothing, often enough for any timeout

Seconds seconds_since(SteadyTime start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct LoadedGroup {
  std::uint64_t seed = 1;
  CandidateGroup group;
  std::unique_ptr<LoadedModel> model;
  std::optional<std::vector<float>> batch_1_output;  // of sample 0: what others are checked against
};

class Worker {
 public:
  Worker(Channel& channel, const WorkerEnvironment& environment)
      : channel_(channel), environment_(environment) {}

  // Each answers its request. False: the parent cannot be reached or must not be served.
  bool serve(const Hello& hello) {
    backend_spec_ = hello.backend_spec;
    return parent_is(hello.parent_pid);
  }
  bool serve(const Load& request);
  bool serve(const Unload& request) {
    groups_.erase(request.load);
    return true;
  }
  bool serve(const Prepare& request);
  bool serve(const Share& request);
  bool serve(const Release& request) {
    programs_.erase(request.program);
    return true;
  }
  bool serve(const Soak& request);
  bool serve(const Describe&);
  bool serve(const ListKernels&);
  bool serve(const Quit&) { return true; }

 private:
  bool answer(const Reply& reply) { return channel_.send(encode(reply), std::nullopt).has_value(); }
  bool beat(TrialId program, const char* doing) {
    last_beat_ = std::chrono::steady_clock::now();
    return answer(Beat{program, doing});
  }
  Status open();
  static void limit(const Load& request, Loaded& answer);
  Ending load(const Load& request, Loaded& answer);
  std::unique_ptr<Program> make_program(LoadedGroup& group, const Candidate& candidate,
                                        Prepared& answer);
  Ending first_run(Program& program, Prepared& answer);
  Ending check(LoadedGroup& group, const Prepare& request, Program& program, Prepared& answer);
  bool visit(const PlannedVisit& planned);

  Channel& channel_;
  const WorkerEnvironment& environment_;
  std::string backend_spec_;
  // In this order: programs go before their models, models before the backend.
  std::unique_ptr<Backend> backend_;
  std::map<int, LoadedGroup> groups_;
  std::map<TrialId, std::unique_ptr<Program>> programs_;
  SteadyTime last_beat_;
};

Status Worker::open() {
  if (backend_ != nullptr) return {};
  BT_TRY(backend, environment_.open_backend(backend_spec_));
  backend_ = std::move(backend);
  return {};
}

// Above what is mapped now.
void Worker::limit(const Load& request, Loaded& answer) {
  if (!request.address_space) return;
  const std::string why_not = limit_address_space(peak_address_space(), *request.address_space);
  const bool in_force = why_not.empty();
  answer.report.effective.push_back({"worker.rlimit_as",
                                     in_force ? Value(*request.address_space) : Value(),
                                     in_force ? "memory limit" : why_not});
}

Ending Worker::load(const Load& request, Loaded& answer) {
  Model model;
  if (!request.model_json.empty()) {
    auto parsed = parse_model(request.model_json, "the model");
    if (!parsed) return {TrialStatus::failed, to_string(parsed.error()), "", ""};
    model = std::move(*parsed);
  }
  if (!request.limit_after_loading) limit(request, answer);
  auto loaded = backend_->load(model, request.options, answer.report);
  if (!loaded) return loaded.error();
  if (request.limit_after_loading) limit(request, answer);
  answer.load_seconds = (*loaded)->load_seconds();
  groups_[request.load] = {request.options.seed, request.options.group, std::move(*loaded), {}};
  return {};
}

bool Worker::serve(const Load& request) {
  if (!beat(0, "loading the model")) return false;
  Loaded loaded;
  Status opened;
  const Ending thrown = ending_of_exceptions([&] {
    opened = open();
    if (opened) loaded.ending = load(request, loaded);
  });
  if (!opened) return answer(Refused{opened.error()});
  if (thrown.status != TrialStatus::ok) loaded.ending = thrown;
  return answer(loaded);
}

std::unique_ptr<Program> Worker::make_program(LoadedGroup& group, const Candidate& candidate,
                                              Prepared& prepared) {
  const auto start = std::chrono::steady_clock::now();
  auto program = group.model->prepare(candidate);
  if (program) (*program)->set_input(group.seed);
  const Seconds seconds =
      program ? (*program)->prepare_seconds().value_or(seconds_since(start)) : seconds_since(start);
  prepared.spent += seconds;
  if (!program) {
    prepared.ending = program.error();
    return nullptr;
  }
  return std::move(*program);
}

Ending Worker::first_run(Program& program, Prepared& prepared) {
  const auto times = program.run(1);
  if (!times) return times.error();
  if (times->seconds.empty())
    return {TrialStatus::failed, "the backend reported no duration", "", ""};
  prepared.first_run = *std::max_element(times->seconds.begin(), times->seconds.end());
  prepared.spent += *prepared.first_run;
  return {};
}

// Against the output of batch 1 in the same group, which is made when it is first needed.
Ending Worker::check(LoadedGroup& group, const Prepare& request, Program& program,
                     Prepared& prepared) {
  auto output = program.read_output(kCheckedSamples);
  if (!output) return output.error();
  const std::int64_t samples = std::min(kCheckedSamples, request.candidate.batch);
  if (Ending ending = check_finite(*output); ending.status != TrialStatus::ok) return ending;
  output->resize(output->size() / static_cast<std::size_t>(samples));  // sample 0
  if (request.candidate.batch == 1) {
    group.batch_1_output = std::move(*output);
    return {};
  }
  if (!group.batch_1_output) {
    beat(request.program, "preparing batch 1 to check against");
    Prepared of_one;
    auto one = make_program(group, {request.candidate.group, 1}, of_one);
    Ending ending = one == nullptr ? of_one.ending : first_run(*one, of_one);
    prepared.spent += of_one.spent;
    auto expected = ending.status == TrialStatus::ok ? one->read_output(1) : tl::unexpected(ending);
    if (!expected)
      return {TrialStatus::failed, "batch 1, which outputs are checked against, did not run",
              expected.error().reason + "; " + expected.error().evidence, ""};
    if (ending = check_finite(*expected); ending.status != TrialStatus::ok) {
      ending.reason = "batch 1, which outputs are checked against: " + ending.reason;
      return ending;
    }
    group.batch_1_output = std::move(*expected);
  }
  return compare_outputs(*group.batch_1_output, *output, group.model->output_tolerance());
}

bool Worker::serve(const Prepare& request) {
  if (!beat(request.program, "preparing")) return false;
  const auto found = groups_.find(request.load);
  if (found == groups_.end()) return false;  // the parent has lost count
  LoadedGroup& group = found->second;
  Prepared prepared;
  const Ending thrown = ending_of_exceptions([&] {
    programs_.erase(request.program);
    auto program = make_program(group, request.candidate, prepared);
    prepared.prepare_seconds = prepared.spent;
    if (program == nullptr) return;
    prepared.memory = program->memory();
    beat(request.program, "first run");
    prepared.ending = first_run(*program, prepared);
    if (prepared.ending.status == TrialStatus::ok && request.check)
      prepared.ending = check(group, request, *program, prepared);
    if (prepared.ending.status == TrialStatus::ok) programs_[request.program] = std::move(program);
  });
  if (thrown.status != TrialStatus::ok) prepared.ending = thrown;
  return answer(prepared);
}

bool Worker::visit(const PlannedVisit& planned) {
  if (!beat(planned.program, "visit")) return false;
  Visited visited{planned.program, {}, planned.warm, {}};
  const auto found = programs_.find(planned.program);
  if (found == programs_.end()) {
    visited.ending = {TrialStatus::failed, "the program is not prepared", "", ""};
    return answer(visited);
  }
  auto samples = run_visit(*found->second, planned.warm, planned.timed, [&] {
    if (seconds_since(last_beat_) >= kBeatInterval) beat(planned.program, "visit");
  });
  if (samples)
    visited.instances = std::move(*samples);
  else
    visited.ending = samples.error();
  return answer(visited);
}

bool Worker::serve(const Share& request) {
  for (const PlannedVisit& planned : request.visits)
    if (!visit(planned)) return false;
  return answer(ShareDone{});
}

bool Worker::serve(const Soak& request) {
  if (!beat(request.program, "soak")) return false;
  const auto found = programs_.find(request.program);
  if (found == programs_.end()) return false;
  return answer(
      soak(*found->second, request.seconds, [&] { return beat(request.program, "soak"); }));
}

bool Worker::serve(const Describe&) {
  Status opened;
  Described described;
  const Ending thrown = ending_of_exceptions([&] {
    opened = open();
    if (opened) described.device = backend_->describe();
  });
  if (thrown.status != TrialStatus::ok)
    opened = environment_error("a description of " + backend_spec_, thrown.reason);
  return opened ? answer(described) : answer(Refused{opened.error()});
}

bool Worker::serve(const ListKernels&) {
  auto kernels = environment_.kernels_of_backend(backend_spec_);
  return kernels ? answer(KernelsListed{*kernels}) : answer(Refused{kernels.error()});
}

}  // namespace

int run_worker(int in_fd, int out_fd, const WorkerEnvironment& environment) {
  setup_worker();
  Channel channel(in_fd, out_fd);
  Worker worker(channel, environment);
  for (;;) {
    const auto payload = channel.receive(std::nullopt);
    if (!payload) return kExitNoParent;
    const auto request = decode_request(*payload);
    if (!request) return kExitBadRequest;
    if (!std::visit([&](const auto& held) { return worker.serve(held); }, *request))
      return kExitNoParent;
    if (std::holds_alternative<Quit>(*request)) return kExitOk;
  }
}

int run_worker(const WorkerEnvironment& environment) {
  return run_worker(kWorkerFd, kWorkerFd, environment);
}

}  // namespace batchtune

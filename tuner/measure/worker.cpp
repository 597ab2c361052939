#include "tuner/measure/worker.h"

#include <fcntl.h>

#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "tuner/measure/beacon.h"
#include "tuner/measure/channel.h"
#include "tuner/measure/layer_profile.h"
#include "tuner/measure/loaded_group.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/share.h"
#include "tuner/measure/soak.h"
#include "tuner/measure/visit.h"
#include "tuner/measure/worker_process.h"
#include "tuner/measure/worker_setup.h"

namespace batchtune {
namespace {

using namespace protocol;

constexpr int kExitOk = 0, kExitNoParent = 1, kExitBadRequest = 2;

class Worker {
 public:
  Worker(Channel& channel, const WorkerEnvironment& environment, Beacon beacon)
      : channel_(channel), environment_(environment), beacon_(std::move(beacon)) {}

  // Each answers its request. False: the parent cannot be reached or must not be served.
  bool serve(const Hello& hello) {
    backend_spec_ = hello.backend_spec;
    canary_cpus_ = hello.canary_cpus;
    return parent_is(hello.parent_pid);
  }
  bool serve(const Load& request);
  bool serve(const Unload& request) {
    groups_.erase(request.load);
    return true;
  }
  bool serve(const Prepare& request);
  bool serve(const CompileAhead& request);
  bool serve(const Share& request);
  bool serve(const Release& request) {
    programs_.erase(request.program);
    return true;
  }
  bool serve(const Soak& request);
  bool serve(const Profile& request);
  bool serve(const Describe&);
  bool serve(const ListKernels&);
  bool serve(const Quit&) { return true; }

 private:
  bool answer(const Reply& reply) {
    beacon_.set(Phase::idle);
    return channel_.send(encode(reply), std::nullopt).has_value();
  }
  Status open();

  Channel& channel_;
  const WorkerEnvironment& environment_;
  std::string backend_spec_;
  // In this order: programs go before their models, models before the backend.
  std::unique_ptr<Backend> backend_;
  std::map<int, LoadedGroup> groups_;
  std::map<TrialId, HeldProgram> programs_;
  Beacon beacon_;
  int canary_cpus_ = 0;
  Stillness stillness_;
  std::unique_ptr<Canaries> canaries_;  // made when first needed; null: none
};

Status Worker::open() {
  if (backend_ != nullptr) return {};
  BT_TRY(backend, environment_.open_backend(backend_spec_));
  backend_ = std::move(backend);
  return {};
}

bool Worker::serve(const Load& request) {
  beacon_.set(Phase::loading);
  Loaded loaded;
  Status opened;
  const Ending thrown = ending_of_exceptions([&] {
    opened = open();
    if (!opened) return;
    auto group = LoadedGroup::load(*backend_, request, loaded);
    if (group)
      groups_.insert_or_assign(request.load, std::move(*group));
    else
      loaded.ending = group.error();
  });
  if (!opened) return answer(Refused{opened.error()});
  if (thrown.status != TrialStatus::ok) loaded.ending = thrown;
  return answer(loaded);
}

bool Worker::serve(const Prepare& request) {
  const auto group = groups_.find(request.load);
  if (group == groups_.end()) return false;  // the parent has lost count
  Prepared prepared;
  const Ending thrown = ending_of_exceptions([&] {
    programs_.erase(request.program);
    if (auto program = group->second.prepare(request, beacon_, prepared))
      programs_[request.program] = {std::move(program), request.candidate.batch,
                                    request.candidate.group.instances};
  });
  if (thrown.status != TrialStatus::ok) prepared.ending = thrown;
  return answer(prepared);
}

bool Worker::serve(const CompileAhead& request) {
  const auto group = groups_.find(request.load);
  if (group == groups_.end()) return false;
  // A hint: what fails is told when it is prepared.
  (void)ending_of_exceptions([&] { group->second.compile_ahead(request.candidate); });
  return true;
}

bool Worker::serve(const Share& request) {
  if (request.watch && canary_cpus_ > 0 && environment_.make_canaries) {
    beacon_.set(Phase::canary);
    const int cpus = std::exchange(canary_cpus_, 0);
    // Without memory or threads for them there are none.
    (void)ending_of_exceptions([&] { canaries_ = environment_.make_canaries(cpus); });
  }
  return answer(run_share(request, programs_, beacon_, stillness_, canaries_.get()));
}

bool Worker::serve(const Soak& request) {
  const auto found = programs_.find(request.program);
  if (found == programs_.end()) return false;
  beacon_.set(Phase::soak, request.program, found->second.batch);
  return answer(soak(*found->second.program, request.seconds, [&] { beacon_.beat(); }));
}

bool Worker::serve(const Profile& request) {
  const auto found = programs_.find(request.program);
  if (found == programs_.end()) return false;
  beacon_.set(Phase::profiling, request.program, found->second.batch);
  return answer(profile_program(*found->second.program, request.runs, [&] { beacon_.beat(); }));
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

int run(int in_fd, int out_fd, const WorkerEnvironment& environment, Beacon beacon) {
  setup_worker();
  Channel channel(in_fd, out_fd);
  Worker worker(channel, environment, std::move(beacon));
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

}  // namespace

int run_worker(int in_fd, int out_fd, const WorkerEnvironment& environment) {
  return run(in_fd, out_fd, environment, Beacon::attach(-1));
}

int run_worker(const WorkerEnvironment& environment) {
  // Not for what a backend starts.
  for (const int fd : {kWorkerFd, kBeaconFd}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return run(kWorkerFd, kWorkerFd, environment, Beacon::attach(kBeaconFd));
}

}  // namespace batchtune

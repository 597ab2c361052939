#include "tuner/measure/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <iterator>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/worker.h"

extern char** environ;

namespace batchtune {
namespace {

constexpr Seconds kSendPatience = 60;  // a worker that reads nothing for so long is stuck
constexpr Seconds kQuitPatience = 2;   // to free some GB of memory and join threads
constexpr Seconds kEndPatience = 1.5;  // of one that was asked to end: to cancel a run, which nearly nobody does
constexpr Seconds kExitPatience = 2;   // between closing the socket and being a zombie
constexpr std::chrono::milliseconds kExitPoll{1};
constexpr Bytes kKibibyte = 1024;
// Of patience, waited for at once: the beacon is looked at in between. Time in which this process
// did not run (a paused container, a debugger) counts as one slice at most: the worker stood still
// as well, and is not late.
constexpr Seconds kLongestSlice = 2;
constexpr double kSliceShare = 0.25;  // so that a hang is found at most so much too late
// Without a pidfd nothing tells of a death at once while something holds the socket open.
constexpr Seconds kSliceWithoutPidFd = 0.1;
constexpr char kBenchmarkFlags[] = "BENCHMARK_";

// This process's own, without what Google Benchmark takes for its flags: repetitions, an order or a
// dry run would change what a visit is.
std::vector<char*> environment_of_worker() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (std::strncmp(*entry, kBenchmarkFlags, sizeof(kBenchmarkFlags) - 1) != 0)
      kept.push_back(*entry);
  kept.push_back(nullptr);
  return kept;
}

// posix_spawn's attributes and file actions, freed together.
class SpawnSetup {
 public:
  SpawnSetup(int channel_fd, int beacon_fd) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&actions_, channel_fd, kWorkerFd);
    posix_spawn_file_actions_adddup2(&actions_, beacon_fd, kBeaconFd);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // What a library prints must not get into the parent's result.
    posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kBeaconFd + 1);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  int spawn(pid_t& pid) const {
    std::array<char, sizeof(kWorkerCommand)> command;
    std::memcpy(command.data(), kWorkerCommand, sizeof(kWorkerCommand));
    char name[] = "batchtune";
    char* const arguments[] = {name, command.data(), nullptr};
    std::vector<char*> environment = environment_of_worker();
    return posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, arguments,
                       environment.data());
  }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

// A descriptor of the parent's that is neither of the child's two: moving one into its place must
// not overwrite the other. Closed by itself.
class Spare {
 public:
  explicit Spare(int fd) : fd_(fcntl(fd, F_DUPFD_CLOEXEC, kBeaconFd + 1)) {}
  ~Spare() {
    if (fd_ >= 0) close(fd_);
  }
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

int open_pid_fd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));  // close-on-exec by itself
}

template <typename Number>
std::optional<Number> rise(const std::optional<Number>& from, const std::optional<Number>& to) {
  return from && to ? std::optional<Number>(*to - *from) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(WorkerStart setup) {
  BT_TRY(beacon, Beacon::create());
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return environment_error("a socket to a worker process", std::strerror(errno));
  pid_t pid = 0;
  const Spare channel(ends[1]), page(beacon.fd());
  const bool has_both = channel.fd() >= 0 && page.fd() >= 0;
  const int error = has_both ? SpawnSetup(channel.fd(), page.fd()).spawn(pid) : errno;
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return environment_error("a worker process", std::strerror(error), "/proc/self/exe");
  }
  std::unique_ptr<WorkerProcess> worker(
      new WorkerProcess(pid, ends[0], std::move(beacon), std::move(setup)));
  const WorkerStart& kept = worker->setup_;
  if (kept.limiter != nullptr) BT_TRY_VOID(kept.limiter->hold(pid));
  worker->send(protocol::Hello{kept.backend_spec, getpid(), kept.canary_cpus});
  return worker;
}

WorkerProcess::WorkerProcess(pid_t pid, int fd, Beacon beacon, WorkerStart setup)
    : pid_(pid),
      pid_fd_(open_pid_fd(pid)),
      fd_(fd),
      channel_(fd, fd),
      beacon_(std::move(beacon)),
      setup_(std::move(setup)),
      parent_peak_(read_process_memory(getpid()).peak_resident.value_or(0)) {}

WorkerProcess::~WorkerProcess() {
  if (!status_) {
    (void)channel_.send(protocol::encode(protocol::Quit{}), kQuitPatience);
    if (!wait_for_exit(kQuitPatience)) kill_all();
    if (!WIFEXITED(*status_) || WEXITSTATUS(*status_) != 0) clean_up();
  }
  close(fd_);
  if (pid_fd_ >= 0) close(pid_fd_);
}

// What follows is judged by how far the counters rise from here.
void WorkerProcess::send(const protocol::Request& request) {
  if (judgement_) return;
  before_ = read_machine_memory(setup_.proc_root);
  if (setup_.clean_up) keep_loads(request);
  const auto sent = channel_.send(protocol::encode(request), kSendPatience);
  if (!sent && sent.error().kind != ChannelEnd::Kind::closed) end(sent.error(), kSendPatience);
}

Outcome<protocol::Reply> WorkerProcess::receive(Seconds timeout) {
  Seconds patience = timeout;
  while (!judgement_) {
    const bool dead = wait_for_exit(0).has_value();  // before the last look at what it has sent
    const auto payload = channel_.receive(0);
    if (payload) {
      auto reply = protocol::decode_reply(*payload);
      if (reply) {
        const auto* loaded = std::get_if<protocol::Loaded>(&*reply);
        const bool refused = loaded != nullptr && loaded->ending.status != TrialStatus::ok;
        if (refused && !loads_.empty()) loads_.pop_back();  // nothing is left of it
        return std::move(*reply);
      }
      end({ChannelEnd::Kind::malformed, reply.error()}, timeout);
    } else if (dead || payload.error().kind != ChannelEnd::Kind::timed_out) {
      end(payload.error(), timeout);
    } else if (const std::uint64_t beats = beacon_.read().beats; beats != beats_seen_) {
      beats_seen_ = beats;
      patience = timeout;
      wait_for_news(patience, timeout);
    } else if (patience <= 0) {
      end(payload.error(), timeout);
    } else {
      wait_for_news(patience, timeout);
    }
  }
  return tl::unexpected(judgement_->ending);
}

// For a message, or a death; takes what it waited from `patience`.
void WorkerProcess::wait_for_news(Seconds& patience, Seconds timeout) {
  const Seconds longest = pid_fd_ >= 0 ? kLongestSlice : kSliceWithoutPidFd;
  const Seconds slice = std::min({patience, timeout * kSliceShare, longest});
  const Stopwatch stopwatch;
  pollfd entries[] = {{fd_, POLLIN, 0}, {pid_fd_, POLLIN, 0}};  // a negative one is left out
  (void)poll(entries, std::size(entries), static_cast<int>(std::ceil(slice * 1000)));
  patience -= std::min(stopwatch.seconds(), slice);
}

bool WorkerProcess::gone() {
  if (!judgement_ && wait_for_exit(0)) judge_as(EndingEvidence::How::died);
  return ended();
}

bool WorkerProcess::may_be_anothers_doing() const {
  return judgement_ &&
         (judgement_->unexplained ||
          (judgement_->killed && judgement_->ending.status == TrialStatus::out_of_memory));
}

Ending WorkerProcess::out_of_step() {
  if (!status_) kill_all();
  judgement_ = {
      {TrialStatus::failed, "the worker process answered another question", "", ""}, false, false};
  clean_up();
  return judgement_->ending;
}

// The process may have died before we came to kill it: then its own end is the better answer.
void WorkerProcess::end(const ChannelEnd& why, Seconds timeout) {
  const bool is_closed = why.kind == ChannelEnd::Kind::closed;
  const bool died = wait_for_exit(is_closed ? kExitPatience : 0).has_value();
  if (!died) {
    const bool silent = why.kind == ChannelEnd::Kind::timed_out;
    if (silent) kill(pid_, SIGTERM);
    if (!silent || !wait_for_exit(kEndPatience)) kill_all();
  }
  if (why.kind == ChannelEnd::Kind::malformed)
    judge_as(EndingEvidence::How::garbage, why.detail);
  else if (died)
    judge_as(EndingEvidence::How::died);
  else if (is_closed)
    judge_as(EndingEvidence::How::deaf, why.detail);
  else
    judge_as(EndingEvidence::How::silent, "", timeout);
}

void WorkerProcess::judge_as(EndingEvidence::How how, const std::string& detail, Seconds silence) {
  EndingEvidence seen;
  seen.how = how;
  seen.wait_status = status_.value_or(0);
  seen.silence = silence;
  seen.detail = detail;
  seen.last = beacon_.read();
  seen.peak_resident = peak_resident_;
  seen.at_most = !peak_is_own();
  if (setup_.limiter != nullptr) seen.limiter_kills = setup_.limiter->kills();
  const MachineMemory now = read_machine_memory(setup_.proc_root);
  seen.system_kills = rise(before_.oom_kills, now.oom_kills);
  seen.memory_stall = rise(before_.stall, now.stall);
  seen.available = before_.available;
  judgement_ = judge(seen);
  clean_up();
}

void WorkerProcess::keep_loads(const protocol::Request& request) {
  if (const auto* load = std::get_if<protocol::Load>(&request)) loads_.push_back(*load);
  if (const auto* unload = std::get_if<protocol::Unload>(&request))
    std::erase_if(loads_, [&](const protocol::Load& load) { return load.load == unload->load; });
}

void WorkerProcess::clean_up() {
  for (const protocol::Load& load : std::exchange(loads_, {})) setup_.clean_up(load);
}

// The wait status, or nullopt when it still runs after `patience` seconds. What it has started
// itself is killed before it is reaped: until then its group cannot be another's.
std::optional<int> WorkerProcess::wait_for_exit(Seconds patience) {
  const Stopwatch stopwatch;
  while (!status_) {
    siginfo_t state{};
    const int found = waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT);
    if (found == 0 && state.si_pid == pid_) {
      kill_all();
    } else if (found != 0 && errno != EINTR) {
      return std::nullopt;
    } else if (stopwatch.seconds() >= patience) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(kExitPoll);
    }
  }
  return status_;
}

// The whole group, and whatever else the limiter holds; reaps the worker.
void WorkerProcess::kill_all() {
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
  if (setup_.limiter != nullptr) setup_.limiter->kill_all();
  int status = 0;
  rusage usage{};
  while (wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) continue;
  status_ = status;
  peak_resident_ = usage.ru_maxrss * kKibibyte;
}

}  // namespace batchtune

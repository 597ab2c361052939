#include "tuner/measure/worker_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "tuner/measure/worker.h"

extern char** environ;

namespace batchtune {
namespace {

constexpr Seconds kSendPatience = 60;  // a worker that reads nothing for so long is stuck
constexpr Seconds kQuitPatience = 2;   // to free some GB of memory and join threads
constexpr Seconds kExitPatience = 2;   // between closing the socket and being a zombie
constexpr std::chrono::milliseconds kExitPoll{1};

// posix_spawn's attributes and file actions, freed together.
class SpawnSetup {
 public:
  explicit SpawnSetup(int child_fd) {
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
    posix_spawn_file_actions_adddup2(&actions_, child_fd, kWorkerFd);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // What a library prints must not get into the parent's result.
    posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kWorkerFd + 1);
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
    return posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, arguments, environ);
  }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

std::string during(const protocol::Beat& beat) {
  return beat.doing.empty() ? "" : ", last seen " + beat.doing;
}

Ending ending_of_exit(int status, long peak_rss_kib, const std::string& doing) {
  const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) +
                                                    " (" + strsignal(WTERMSIG(status)) + ")"
                                              : "exit code " + std::to_string(WEXITSTATUS(status));
  return {TrialStatus::crashed, "the worker process died: " + how,
          how + doing + ", peak resident " + format_bytes(static_cast<double>(peak_rss_kib) * 1024),
          ""};
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::string& backend_spec) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return environment_error("a socket to a worker process", std::strerror(errno));
  pid_t pid = 0;
  const int error = SpawnSetup(ends[1]).spawn(pid);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return environment_error("a worker process", std::strerror(error), "/proc/self/exe");
  }
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(pid, ends[0]));
  worker->send(protocol::Hello{backend_spec, getpid()});
  return worker;
}

WorkerProcess::~WorkerProcess() {
  if (!reaped_) {
    (void)channel_.send(protocol::encode(protocol::Quit{}), kQuitPatience);
    if (!wait_for_exit(kQuitPatience)) kill_group();
  }
  close(fd_);
}

void WorkerProcess::send(const protocol::Request& request) {
  if (ending_) return;
  const auto sent = channel_.send(protocol::encode(request), kSendPatience);
  if (!sent && sent.error().kind != ChannelEnd::Kind::closed)
    ending_ = end(sent.error(), kSendPatience);
}

Outcome<protocol::Reply> WorkerProcess::receive(Seconds timeout) {
  while (!ending_) {
    auto payload = channel_.receive(timeout);
    if (!payload) {
      ending_ = end(payload.error(), timeout);
      break;
    }
    auto reply = protocol::decode_reply(*payload);
    if (!reply) {
      ending_ = end({ChannelEnd::Kind::malformed, reply.error()}, timeout);
      break;
    }
    if (auto* beat = std::get_if<protocol::Beat>(&*reply))
      last_beat_ = std::move(*beat);
    else
      return std::move(*reply);
  }
  return tl::unexpected(*ending_);
}

bool WorkerProcess::gone() {
  if (!ending_)
    if (const std::optional<int> status = wait_for_exit(0))
      ending_ = ending_of_exit(*status, peak_rss_kib_, during(last_beat_));
  return ended();
}

Ending WorkerProcess::out_of_step() {
  if (!reaped_) kill_group();
  ending_ = {TrialStatus::failed, "the worker process answered another question", "", ""};
  return *ending_;
}

// The process may have died before we came to kill it: then its own end is the better answer.
Ending WorkerProcess::end(const ChannelEnd& why, Seconds timeout) {
  const bool is_closed = why.kind == ChannelEnd::Kind::closed;
  const std::optional<int> status = wait_for_exit(is_closed ? kExitPatience : 0);
  if (!status) kill_group();
  if (why.kind == ChannelEnd::Kind::malformed)
    return {TrialStatus::failed, "the worker process sent garbage", why.detail + during(last_beat_),
            ""};
  if (status) return ending_of_exit(*status, peak_rss_kib_, during(last_beat_));
  if (is_closed)
    return {TrialStatus::failed, "the worker process closed its channel", why.detail, ""};
  const std::string seconds = format_seconds(timeout);
  return {TrialStatus::timeout, "no answer for " + seconds,
          "killed after " + seconds + " without a sign of life" + during(last_beat_), ""};
}

// The wait status, or nullopt when it still runs after `patience` seconds.
std::optional<int> WorkerProcess::wait_for_exit(Seconds patience) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(patience);
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t found = wait4(pid_, &status, WNOHANG, &usage);
    if (found == pid_) {
      reaped_ = true;
      peak_rss_kib_ = usage.ru_maxrss;
      kill(-pid_, SIGKILL);  // what it may have started itself
      return status;
    }
    if (found < 0 && errno != EINTR) return std::nullopt;
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    std::this_thread::sleep_for(kExitPoll);
  }
}

void WorkerProcess::kill_group() {
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);
  rusage usage{};
  while (wait4(pid_, nullptr, 0, &usage) < 0 && errno == EINTR) continue;
  reaped_ = true;
  peak_rss_kib_ = usage.ru_maxrss;
}

}  // namespace batchtune

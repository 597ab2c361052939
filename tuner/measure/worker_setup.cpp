#include "tuner/measure/worker_setup.h"

#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>

namespace batchtune {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr int kMallocArenas = 2;  // each further one reserves 64 MiB of address space per thread
constexpr char kFirstToDie[] = "1000";

// Waits until `worker` is gone, then ends what is left of its group. Never returns. After a fork:
// system calls alone.
[[noreturn]] void guard_group(pid_t worker, int pid_fd) {
  setpgid(0, 0);  // not stopped or killed with the others
  dup2(pid_fd, STDIN_FILENO);
  close_range(STDOUT_FILENO, ~0U, 0);  // the worker's channel above all
  pollfd death{STDIN_FILENO, POLLIN, 0};
  while (poll(&death, 1, -1) < 0 && errno == EINTR) continue;
  kill(-worker, SIGKILL);
  _exit(0);
}

// The kernel tells of a parent's death only its direct children: what a backend starts (a compiler,
// a helper) would live on. So a process outside of the group watches its leader. It is nobody's
// child here: a backend may wait for any of its own.
void start_guard() {
  const pid_t worker = getpid();
  if (getpgrp() != worker) return;  // somebody else's group
  const int pid_fd = static_cast<int>(syscall(SYS_pidfd_open, worker, 0));
  if (pid_fd < 0) return;  // Linux before 5.3: the worker alone goes with its parent
  const pid_t between = fork();
  if (between == 0) {
    prctl(PR_SET_NAME, kGuardName);  // inherited: the guard never has another name
    const pid_t guard = fork();
    if (guard == 0) guard_group(worker, pid_fd);
    // Here too, since it may not have run yet: one that is stopped with the group that it is to end
    // would live for ever, and hold what it has inherited.
    if (guard > 0) setpgid(guard, guard);
    _exit(0);
  }
  close(pid_fd);
  while (between > 0 && waitpid(between, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace

void setup_worker() {
  start_guard();
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // also of a worker that is stopped or blocks every signal
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  std::ofstream("/proc/self/oom_score_adj") << kFirstToDie;
  mallopt(M_ARENA_MAX, kMallocArenas);
}

bool parent_is(std::int64_t pid) {
  return getppid() == pid;
}

// "VmPeak:   123456 kB" of /proc/self/status.
Bytes peak_address_space() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    Bytes kibibytes = 0;
    if (word == "VmPeak:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

std::string limit_address_space(Bytes baseline, Bytes above) {
  if (kSanitized) return "sanitizers reserve terabytes of address space";
  if (baseline == 0) return "VmPeak is not in /proc/self/status";
  const Bytes most = std::numeric_limits<Bytes>::max();
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = static_cast<rlim_t>(above > most - baseline ? most : baseline + above);
  if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_AS, &limit) != 0) return std::strerror(errno);
  return "";
}

}  // namespace batchtune

#include "tuner/measure/worker_setup.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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
constexpr int kParentDied = SIGUSR2;  // any signal that no runtime takes for itself

// The parent is gone, and with it whoever would have ended this group: also what a backend started
// (a compiler, a helper), which would never hear of the parent's death.
void end_group(int) {
  kill(0, SIGKILL);
}

// Leads its own group, so that the group may be ended with it.
void die_with_parent() {
  if (getpgrp() != getpid()) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return;
  }
  struct sigaction action {};
  action.sa_handler = end_group;
  sigaction(kParentDied, &action, nullptr);
  prctl(PR_SET_PDEATHSIG, kParentDied);
}

}  // namespace

void setup_worker() {
  die_with_parent();
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

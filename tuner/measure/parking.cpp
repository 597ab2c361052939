#include "tuner/measure/parking.h"

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

namespace batchtune {
namespace {

// oneTBB's threads sleep after some 0.1 ms, OpenMP's after up to some 10 ms unless they are told to
// spin for ever.
constexpr Seconds kPatience = 0.020;
constexpr std::chrono::milliseconds kStep{1};
constexpr double kQuiet = 0.05;  // of one CPU: less than timers and a read of the clock may use

}  // namespace

std::optional<Seconds> cpu_seconds_of(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return std::nullopt;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void ParkedProcess::park() {
  if (stopped_) return;
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [](std::chrono::steady_clock::time_point since) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
  };
  while (!spins_) {
    const auto step = std::chrono::steady_clock::now();
    const std::optional<Seconds> before = cpu_seconds_of(group_);
    std::this_thread::sleep_for(kStep);
    const std::optional<Seconds> after = cpu_seconds_of(group_);
    if (!before || !after || *after - *before < kQuiet * passed(step)) return;
    spins_ = passed(start) > kPatience;
  }
  stopped_ = kill(-group_, SIGSTOP) == 0;
}

void ParkedProcess::wake() {
  if (stopped_) kill(-group_, SIGCONT);
  stopped_ = false;
}

}  // namespace batchtune

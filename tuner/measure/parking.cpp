#include "tuner/measure/parking.h"

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

#include "tuner/core/process_state.h"
#include "tuner/core/stopwatch.h"

namespace batchtune {
namespace {

constexpr std::chrono::microseconds kStep{500};  // some times the slack of a timer
constexpr double kQuiet = 0.05;  // of one CPU: more than waking up for a timer takes

// Once may be a large program that is being given back: nothing answers that.
constexpr int kSpinsForGood = 2;

// On a busy machine a thread that spins may get no CPU for some milliseconds, and its clock stands
// still.
bool has_runnable_thread(pid_t pid) {
  return runnable_threads(pid) > 0;
}

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
  const Stopwatch stopwatch;
  for (bool patient = restless_ < kSpinsForGood; patient;) {
    const Stopwatch step;
    const std::optional<Seconds> before = cpu_seconds_of(group_);
    std::this_thread::sleep_for(kStep);
    const std::optional<Seconds> after = cpu_seconds_of(group_);
    if (!before || !after) return;  // it is gone
    if (*after - *before < kQuiet * step.seconds() && !has_runnable_thread(group_)) {
      restless_ = 0;
      return;
    }
    patient = stopwatch.seconds() <= kSpinPatience;
    if (!patient) ++restless_;
  }
  // One of its threads must get a CPU to stop the others.
  stopped_ = kill(-group_, SIGSTOP) == 0;
  const Stopwatch stopping;
  while (stopped_ && has_runnable_thread(group_) && stopping.seconds() < kSpinPatience)
    std::this_thread::sleep_for(kStep);
}

void ParkedProcess::wake() {
  if (stopped_) kill(-group_, SIGCONT);
  stopped_ = false;
}

}  // namespace batchtune

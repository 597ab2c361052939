// See stillness.h. A thread that spins cannot be told from a neighbour by what it does to others;
// the process's own CPU clock can.
#include "tuner/measure/stillness.h"

#include <unistd.h>

#include <chrono>
#include <thread>

#include "tuner/core/process_state.h"
#include "tuner/core/stopwatch.h"
#include "tuner/core/units.h"
#include "tuner/measure/parking.h"

namespace batchtune {
namespace {

constexpr std::chrono::microseconds kStillStep{100};  // twice the kernel's usual timer slack
constexpr double kStill = 0.2;  // of one CPU in a step; waking up and reading the clock is below
constexpr int kStillSteps = 2;  // in a row: a thread that waits for a CPU uses none in one of them
constexpr int kHopelessWaits = 2;
constexpr Seconds kForALook = 0.002;  // then

Seconds own_cpu_seconds() {
  return cpu_seconds_of(getpid()).value_or(0);  // it is not gone
}

}  // namespace

void Stillness::wait() {
  const Seconds patience = restless_ < kHopelessWaits ? kSpinPatience : kForALook;
  const Stopwatch waiting;
  for (int still = 0; waiting.seconds() < patience;) {
    const Stopwatch step;
    const Seconds used = own_cpu_seconds();
    std::this_thread::sleep_for(kStillStep);
    const bool is_still = own_cpu_seconds() - used < kStill * step.seconds();
    still = is_still ? still + 1 : 0;
    if (still < kStillSteps) continue;
    restless_ = 0;
    return;
  }
  ++restless_;
}

}  // namespace batchtune

// See stillness.h. The kernel says which threads would run. Its clock of a process would not do: the
// time of a thread that runs on another CPU is added at the next tick, some milliseconds later.
#include "tuner/measure/stillness.h"

#include <unistd.h>

#include <chrono>
#include <thread>

#include "tuner/core/process_state.h"
#include "tuner/core/stopwatch.h"

namespace batchtune {
namespace {

constexpr std::chrono::microseconds kStillStep{100};  // twice the kernel's usual timer slack
constexpr int kStillSteps = 2;  // in a row: a thread may have been about to wake another
constexpr int kHopelessWaits = 2;
constexpr Seconds kForALook = 0.002;  // then

}  // namespace

void Stillness::wait() {
  const Seconds patience = restless_ < kHopelessWaits ? kSpinPatience : kForALook;
  const Stopwatch waiting;
  for (int still = 0; waiting.seconds() < patience;) {
    std::this_thread::sleep_for(kStillStep);
    still = runnable_threads(getpid(), gettid()) == 0 ? still + 1 : 0;
    if (still < kStillSteps) continue;
    restless_ = 0;
    return;
  }
  ++restless_;
}

}  // namespace batchtune

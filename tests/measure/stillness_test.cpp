// Waiting for threads that spin. What a busy machine may delay is tried many times.
#include "tuner/measure/stillness.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/catch.h"
#include "tuner/core/process_state.h"
#include "tuner/core/stopwatch.h"

using namespace batchtune;

TEST_CASE("a thread that spins for some milliseconds is waited for", "[stillness]") {
  Stillness stillness;
  int waited = 0;
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    std::atomic<bool> begun{false}, over{false};
    std::thread spinner([&] {
      begun = true;
      const Stopwatch stopwatch;
      while (stopwatch.seconds() < 0.01) {
      }
      over = true;
    });
    while (!begun) std::this_thread::yield();
    stillness.wait();
    waited += over.load();
    spinner.join();
  }
  CHECK(waited > kTries / 2);
}

TEST_CASE("a thread that spins for ever is not waited for again and again", "[stillness]") {
  std::atomic<bool> over{false};
  std::thread spinner([&] {
    while (!over) {
    }
  });
  Stillness stillness;
  Seconds shortest = 1;
  for (int i = 0; i < 10; ++i) {
    const Stopwatch stopwatch;
    stillness.wait();
    shortest = std::min(shortest, stopwatch.seconds());
  }
  over = true;
  spinner.join();
  CHECK(shortest < kSpinPatience / 2);
}

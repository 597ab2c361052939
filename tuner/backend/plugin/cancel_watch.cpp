#include "tuner/backend/plugin/cancel_watch.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

namespace batchtune::plugin {
namespace {

constexpr std::chrono::seconds kSoon{1};  // as plugin_abi.h has it

struct Watched {
  std::mutex mutex;
  std::condition_variable returned;
  Cancellable* running = nullptr;
};

// Never destroyed: the thread that waits for the signal lives as long as the process.
Watched& watched() {
  static Watched& the_one = *new Watched;
  return the_one;
}

sigset_t the_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  return set;
}

void wait_for_signal() {
  const sigset_t set = the_signal();
  int number = 0;
  while (sigwait(&set, &number) != 0) continue;
  Watched& now = watched();
  {
    std::unique_lock lock(now.mutex);
    if (now.running != nullptr) now.running->cancel();
    now.returned.wait_for(lock, kSoon, [&] { return now.running == nullptr; });
  }
  std::signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(SIGTERM);
}

}  // namespace

void watch_for_the_end() {
  static std::once_flag once;
  std::call_once(once, [] {
    const sigset_t set = the_signal();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::thread(wait_for_signal).detach();
  });
}

CancellableRun::CancellableRun(Cancellable& program) {
  if (!program.can_cancel()) return;
  const std::scoped_lock lock(watched().mutex);
  watched().running = &program;
}

CancellableRun::~CancellableRun() {
  {
    const std::scoped_lock lock(watched().mutex);
    watched().running = nullptr;
  }
  watched().returned.notify_all();
}

}  // namespace batchtune::plugin

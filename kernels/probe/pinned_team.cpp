#include "kernels/probe/pinned_team.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace batchtune::probe {
namespace {

using Clock = std::chrono::steady_clock;

// Spins before a waiting thread offers its CPU: long enough for all to arrive on free CPUs, short
// enough not to keep a late one off a CPU that it shares.
constexpr int kSpinsBeforeYield = 20000;

// CPU sets of any size: machines with more than 1024 CPUs need more than cpu_set_t.
constexpr int kMaxCpus = 8192;

class CpuSet {
 public:
  CpuSet() : set_(CPU_ALLOC(kMaxCpus)), bytes_(CPU_ALLOC_SIZE(kMaxCpus)) {
    CPU_ZERO_S(bytes_, set_);
  }
  ~CpuSet() { CPU_FREE(set_); }
  CpuSet(const CpuSet&) = delete;
  CpuSet& operator=(const CpuSet&) = delete;

  cpu_set_t* get() { return set_; }
  std::size_t bytes() const { return bytes_; }
  void add(int cpu) { CPU_SET_S(static_cast<std::size_t>(cpu), bytes_, set_); }
  bool contains(int cpu) const {
    return CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes_, set_) != 0;
  }

 private:
  cpu_set_t* set_;
  std::size_t bytes_;
};

bool pin_this_thread(int cpu) {
  if (cpu < 0 || cpu >= kMaxCpus) return false;
  CpuSet set;
  set.add(cpu);
  return pthread_setaffinity_np(pthread_self(), set.bytes(), set.get()) == 0;
}

}  // namespace

std::vector<int> allowed_cpus() {
  CpuSet set;
  std::vector<int> cpus;
  if (sched_getaffinity(0, set.bytes(), set.get()) == 0) {
    for (int cpu = 0; cpu < kMaxCpus; ++cpu) {
      if (set.contains(cpu)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

struct PinnedTeam::State {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable work_there, all_done;

  // Under the mutex.
  std::uint64_t generation = 0;
  bool stopping = false;
  int members = 0;
  int running = 0;
  int settled = 0;  // threads that have tried to pin themselves
  bool pinned = true;
  const std::function<void(int)>* prepare = nullptr;
  const std::function<void(int)>* work = nullptr;
  Clock::time_point first_start, last_end;

  std::atomic<int> arrived = 0;

  void serve(int index, int cpu);
  void meet(int count);
};

void PinnedTeam::State::meet(int count) {
  arrived.fetch_add(1, std::memory_order_acq_rel);
  for (int spins = 0; arrived.load(std::memory_order_acquire) < count; ++spins) {
    if (spins < kSpinsBeforeYield) {
      __builtin_ia32_pause();
    } else {
      sched_yield();
    }
  }
}

void PinnedTeam::State::serve(int index, int cpu) {
  const bool got_cpu = pin_this_thread(cpu);
  std::unique_lock lock(mutex);
  pinned = pinned && got_cpu;
  ++settled;
  all_done.notify_one();
  for (std::uint64_t seen = 0;;) {
    work_there.wait(lock, [&] { return stopping || generation != seen; });
    if (stopping) return;
    seen = generation;
    if (index >= members) continue;
    const int count = members;
    lock.unlock();
    (*prepare)(index);
    meet(count);
    const Clock::time_point start = Clock::now();
    (*work)(index);
    const Clock::time_point end = Clock::now();
    lock.lock();
    first_start = std::min(first_start, start);
    last_end = std::max(last_end, end);
    if (--running == 0) all_done.notify_one();
  }
}

PinnedTeam::PinnedTeam(const std::vector<int>& cpus) : state_(std::make_unique<State>()) {
  State& state = *state_;
  try {
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      state.threads.emplace_back(&State::serve, &state, static_cast<int>(i), cpus[i]);
    }
  } catch (const std::system_error&) {
    // A limit on threads: the team is as large as it became.
  }
  std::unique_lock lock(state.mutex);
  state.all_done.wait(lock, [&] { return state.settled == size(); });
}

PinnedTeam::~PinnedTeam() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_there.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

int PinnedTeam::size() const {
  return static_cast<int>(state_->threads.size());
}

bool PinnedTeam::pinned() const {
  const std::lock_guard lock(state_->mutex);
  return state_->pinned;
}

double PinnedTeam::run(int members, const std::function<void(int)>& prepare,
                       const std::function<void(int)>& work) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.members = std::min(members, size());
  if (state.members <= 0) return 0;
  state.running = state.members;
  state.prepare = &prepare;
  state.work = &work;
  state.arrived.store(0, std::memory_order_relaxed);
  state.first_start = Clock::time_point::max();
  state.last_end = Clock::time_point::min();
  ++state.generation;
  state.work_there.notify_all();
  state.all_done.wait(lock, [&] { return state.running == 0; });
  return std::chrono::duration<double>(state.last_end - state.first_start).count();
}

}  // namespace batchtune::probe

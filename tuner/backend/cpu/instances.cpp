#include "tuner/backend/cpu/instances.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <iterator>

#include "tuner/backend/cpu/host.h"

namespace batchtune::cpu {
namespace {

// Threads wake up within some 50 us of each other; whoever is early waits for about so long without
// giving its CPU up, and then lets those run that may share it.
constexpr int kSpinsBeforeYield = 10000;

// Gives the calling thread its own CPUs back at the end.
class AffinityKeeper {
 public:
  AffinityKeeper() {
    CPU_ZERO(&set_);
    known_ = pthread_getaffinity_np(pthread_self(), sizeof set_, &set_) == 0;
  }
  ~AffinityKeeper() {
    if (known_) pthread_setaffinity_np(pthread_self(), sizeof set_, &set_);
  }
  AffinityKeeper(const AffinityKeeper&) = delete;
  AffinityKeeper& operator=(const AffinityKeeper&) = delete;

  // The first `count` of them; fewer where there are fewer.
  std::vector<int> first(int count) const {
    std::vector<int> cpus;
    for (int cpu = 0; known_ && cpu < CPU_SETSIZE && std::ssize(cpus) < count; ++cpu)
      if (CPU_ISSET(cpu, &set_)) cpus.push_back(cpu);
    return cpus;
  }

 private:
  cpu_set_t set_;
  bool known_ = false;
};

// The calling thread to `count` of the CPUs from `first` on, round and round; any where none are
// known.
void limit_to(const std::vector<int>& cpus, int first, int count) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = first; i < first + count; ++i)
    CPU_SET(cpus[static_cast<std::size_t>(i) % cpus.size()], &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);  // advice: fails harmlessly
}

}  // namespace

Seconds steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// An arena takes the CPUs of the thread that makes it.
Instances::Instances(int count, int threads) {
  const AffinityKeeper keeper;
  const std::vector<int> cpus =
      count > 1 ? ordered_by_core(keeper.first(count * threads)) : std::vector<int>{};
  for (int instance = 0; instance < count; ++instance) {
    limit_to(cpus, instance * threads, threads);
    members_.push_back(std::make_unique<Member>(threads));
  }
  for (int instance = 1; instance < count; ++instance)
    threads_.emplace_back([this, instance](const std::stop_token& stop) { serve(instance, stop); });
}

void Instances::serve(int instance, const std::stop_token& stop) {
  const kernels::CallerPin pin(arena(instance));
  std::uint64_t done = 0;
  while (true) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait(lock, stop, [&] { return job_ != done; })) return;
    done = job_;
    lock.unlock();
    take_part(instance);
    lock.lock();
    if (--working_ == 0) back_.notify_one();
  }
}

RunTimes Instances::run(int n, const RunBatch& batch) {
  for (const auto& member : members_) {  // here, where it may fail without anybody waiting
    member->failure = nullptr;
    member->seconds.clear();
    member->seconds.reserve(static_cast<std::size_t>(n));
  }
  {
    const std::scoped_lock lock(mutex_);
    runs_ = n;
    batch_ = &batch;
    arrived_ = 0;
    unfinished_ = count();
    working_ = count() - 1;
    ++job_;
  }
  wake_.notify_all();
  {
    const kernels::CallerPin pin(arena(0));
    take_part(0);
  }
  std::unique_lock lock(mutex_);
  back_.wait(lock, [&] { return working_ == 0; });
  RunTimes times;
  for (int instance = 0; instance < count(); ++instance) {
    Member& member = *members_[static_cast<std::size_t>(instance)];
    if (member.failure) std::rethrow_exception(member.failure);
    times.seconds.insert(times.seconds.end(), member.seconds.begin(), member.seconds.end());
    times.instance.insert(times.instance.end(), member.seconds.size(), instance);
  }
  return times;
}

void Instances::start_together() {
  arrived_.fetch_add(1, std::memory_order_acq_rel);
  for (int spins = 0; arrived_.load(std::memory_order_acquire) < count(); ++spins) {
    if (spins < kSpinsBeforeYield)
      __builtin_ia32_pause();
    else
      std::this_thread::yield();
  }
}

void Instances::take_part(int instance) {
  Member& member = *members_[static_cast<std::size_t>(instance)];
  start_together();
  try {
    run_batches(instance);
  } catch (...) {
    if (std::ssize(member.seconds) < runs_) unfinished_.fetch_sub(1, std::memory_order_relaxed);
    member.failure = std::current_exception();
  }
}

// Those that count, then others for as long as somebody's still do.
void Instances::run_batches(int instance) {
  Member& member = *members_[static_cast<std::size_t>(instance)];
  const auto batch = [&](kernels::Team& team) { (*batch_)(instance, team); };
  for (int i = 0; i < runs_; ++i) {
    const Seconds start = steady_seconds();
    member.arena.run(batch);
    member.seconds.push_back(steady_seconds() - start);
  }
  unfinished_.fetch_sub(1, std::memory_order_relaxed);
  while (!over()) member.arena.run(batch);
}

}  // namespace batchtune::cpu

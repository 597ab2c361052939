#include "tuner/backend/side_by_side.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace batchtune {
namespace {

// Threads wake up within some 50 us of each other; whoever is early waits for about so long without
// giving its CPU up, and then lets those run that may share it.
constexpr int kSpinsBeforeYield = 10000;

}  // namespace

Seconds steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Ending no_thread(const std::system_error& error) {
  return {TrialStatus::out_of_memory, "no thread for an instance",
          std::string("system: ") + error.what(), "host"};
}

SideBySide::SideBySide(int count, Around around)
    : around_(std::move(around)), members_(static_cast<std::size_t>(count)) {
  for (int instance = 1; instance < count; ++instance)
    threads_.emplace_back([this, instance](const std::stop_token& stop) {
      within(instance, [&] { serve(instance, stop); });
    });
}

void SideBySide::within(int instance, const std::function<void()>& work) {
  if (around_)
    around_(instance, work);
  else
    work();
}

void SideBySide::serve(int instance, const std::stop_token& stop) {
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

RunTimes SideBySide::run(int n, const RunBatch& batch) {
  for (Member& member : members_) {  // here, where it may fail without anybody waiting
    member.failure = nullptr;
    member.seconds.clear();
    member.seconds.reserve(static_cast<std::size_t>(n));
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
  within(0, [&] { take_part(0); });
  std::unique_lock lock(mutex_);
  back_.wait(lock, [&] { return working_ == 0; });
  RunTimes times;
  for (int instance = 0; instance < count(); ++instance) {
    Member& member = members_[static_cast<std::size_t>(instance)];
    if (member.failure) std::rethrow_exception(member.failure);
    times.seconds.insert(times.seconds.end(), member.seconds.begin(), member.seconds.end());
    times.instance.insert(times.instance.end(), member.seconds.size(), instance);
  }
  return times;
}

void SideBySide::start_together() {
  arrived_.fetch_add(1, std::memory_order_acq_rel);
  for (int spins = 0; arrived_.load(std::memory_order_acquire) < count(); ++spins) {
    if (spins < kSpinsBeforeYield)
      __builtin_ia32_pause();
    else
      std::this_thread::yield();
  }
}

void SideBySide::take_part(int instance) {
  Member& member = members_[static_cast<std::size_t>(instance)];
  start_together();
  try {
    run_batches(instance);
  } catch (...) {
    if (std::ssize(member.seconds) < runs_) unfinished_.fetch_sub(1, std::memory_order_relaxed);
    member.failure = std::current_exception();
  }
}

// Those that count, then others for as long as somebody's still do.
void SideBySide::run_batches(int instance) {
  Member& member = members_[static_cast<std::size_t>(instance)];
  for (int i = 0; i < runs_; ++i) {
    const Seconds start = steady_seconds();
    (*batch_)(instance);
    member.seconds.push_back(steady_seconds() - start);
  }
  unfinished_.fetch_sub(1, std::memory_order_relaxed);
  while (!over()) (*batch_)(instance);
}

}  // namespace batchtune

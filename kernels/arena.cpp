// The region: helpers are TBB tasks that spin on an atomic word each until the region closes.
// Each lane has a share of a job, neighbouring chunks, so that it finds in its own cache what it
// wrote in the operation before; who has done his own takes from the others. The word of a share
// holds (epoch, chunks left). A claim is a compare-and-swap on it, so a helper that slept through
// the end of a job cannot claim from the next one with the old job's function: the fields of a job
// change only while no chunk is left in any share, and then no claim succeeds.
#include "kernels/arena.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <limits>
#include <string>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <tbb/task_scheduler_observer.h>
#include <tbb/version.h>

namespace batchtune::kernels {
namespace {

constexpr std::size_t kLineBytes = 64;
// About 50 us of pauses, the longest gap between two operations that is worth a core; then each
// turn offers the CPU to whoever waits for it, which matters when there are more lanes than CPUs.
constexpr int kSpinsBeforeYield = 2000;
// TBB's own limit would follow the affinity of the thread that happened to come first.
constexpr std::size_t kMostThreads = 1024;

void pause(int& spins) {
  if (++spins < kSpinsBeforeYield) {
    __builtin_ia32_pause();
  } else {
    sched_yield();
  }
}

// oneTBB's binary is not instrumented, so ThreadSanitizer does not see that it hands a task from
// thread to thread and back. These say so; without that sanitizer they are nothing.
#if defined(__SANITIZE_THREAD__)
char hand_off;  // its address stands for TBB's synchronisation
void tell_handed_over() {
  __tsan_release(&hand_off);
}
void tell_taken_over() {
  __tsan_acquire(&hand_off);
}
#else
void tell_handed_over() {}
void tell_taken_over() {}
#endif

constexpr std::uint64_t kLeftMask = 0xffffffffu;
constexpr std::uint64_t kOneEpoch = std::uint64_t{1} << 32;

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (pthread_getaffinity_np(pthread_self(), sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);  // advice: fails harmlessly
}

// Pins workers as they enter the arena: slot i to the i-th CPU.
class PinObserver final : public tbb::task_scheduler_observer {
 public:
  PinObserver(tbb::task_arena& arena, const std::vector<int>& cpus)
      : tbb::task_scheduler_observer(arena), cpus_(cpus) {
    tell_handed_over();
    observe(true);
  }
  ~PinObserver() override {
    observe(false);  // waits for calls in flight
    tell_taken_over();
  }
  void on_scheduler_entry(bool is_worker) override {
    tell_taken_over();
    const int slot = tbb::this_task_arena::current_thread_index();
    if (is_worker && slot >= 0) pin_to(cpus_[static_cast<std::size_t>(slot) % cpus_.size()]);
    tell_handed_over();
  }

 private:
  const std::vector<int>& cpus_;
};

}  // namespace

const char* arena_library() {
  static const std::string name = std::string("oneTBB ") + TBB_runtime_version();
  return name.c_str();
}

namespace {

// One run().
class Region final : public Threads {
 public:
  explicit Region(int lanes) : shares_(static_cast<std::size_t>(lanes)) {}

  // Offers a job to the helpers, takes part, returns when the last chunk is done.
  void share(std::int64_t chunks, void* function, ChunkFunction call) override {
    if (chunks > std::numeric_limits<std::int32_t>::max()) {  // more than the word holds
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) call(function, chunk, 0);
      return;
    }
    function_.store(function, std::memory_order_relaxed);
    call_.store(call, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    epoch_ += kOneEpoch;
    const auto lanes = static_cast<std::int64_t>(shares_.size());
    const auto begin_of = [&](std::int64_t lane) { return (chunks * lane + lanes - 1) / lanes; };
    for (std::int64_t lane = lanes - 1; lane >= 0; --lane) {
      Share& share = shares_[static_cast<std::size_t>(lane)];
      const std::int64_t end = begin_of(lane + 1);
      share.end.store(end, std::memory_order_relaxed);
      share.word.store(epoch_ | static_cast<std::uint64_t>(end - begin_of(lane)),
                       std::memory_order_release);
    }
    work(0);
    int spins = 0;
    while (done_.load(std::memory_order_acquire) != chunks) pause(spins);
  }

  // A helper's life: work while its share has work, spin while there is none, leave when the region
  // closes.
  void help(int lane) {
    const Share& own = shares_[static_cast<std::size_t>(lane)];
    int spins = 0;
    while (true) {
      if ((own.word.load(std::memory_order_acquire) & kLeftMask) != 0) {
        work(lane);
        spins = 0;
      } else if (closed_.load(std::memory_order_acquire)) {
        return;
      } else {
        pause(spins);
      }
    }
  }

  void close() { closed_.store(true, std::memory_order_release); }

 private:
  struct alignas(kLineBytes) Share {
    std::atomic<std::uint64_t> word{0};
    std::atomic<std::int64_t> end{0};
  };

  // All that can be had of the job: the lane's own share, then what is left of the others'.
  void work(int lane) {
    const std::size_t lanes = shares_.size();
    std::int64_t chunks = 0;
    for (std::size_t i = 0; i < lanes; ++i) {
      Share& share = shares_[(static_cast<std::size_t>(lane) + i) % lanes];
      while (work_on_one_chunk(share, lane)) ++chunks;
    }
    if (chunks != 0) done_.fetch_add(chunks, std::memory_order_acq_rel);
  }

  bool work_on_one_chunk(Share& share, int lane) {
    std::uint64_t word = share.word.load(std::memory_order_acquire);
    while ((word & kLeftMask) != 0) {
      const auto left = static_cast<std::int64_t>(word & kLeftMask);
      void* function = function_.load(std::memory_order_relaxed);
      const ChunkFunction call = call_.load(std::memory_order_relaxed);
      const std::int64_t chunk = share.end.load(std::memory_order_relaxed) - left;
      if (share.word.compare_exchange_weak(word, word - 1, std::memory_order_acq_rel,
                                           std::memory_order_acquire)) {
        call(function, chunk, lane);
        return true;
      }
    }
    return false;
  }

  std::vector<Share> shares_;  // by lane
  std::uint64_t epoch_ = 0;    // of the job in hand; the caller's alone
  alignas(kLineBytes) std::atomic<std::int64_t> done_{0};
  alignas(kLineBytes) std::atomic<bool> closed_{false};
  std::atomic<void*> function_{nullptr};
  std::atomic<ChunkFunction> call_{nullptr};
};

}  // namespace

void Team::share(std::int64_t chunks, void* function, ChunkFunction call) {
  threads_->share(chunks, function, call);
}

struct Arena::State {
  State(int threads, Pin pin) : lanes(threads < 1 ? 1 : threads), arena(lanes, 1) {
    static tbb::global_control limit(tbb::global_control::max_allowed_parallelism, kMostThreads);
    if (pin == Pin::no) return;
    const std::vector<int> allowed = allowed_cpus();
    if (allowed.empty()) return;
    for (int lane = 0; lane < lanes; ++lane) {
      cpus.push_back(allowed[static_cast<std::size_t>(lane) % allowed.size()]);
    }
    arena.initialize();
    observer = std::make_unique<PinObserver>(arena, cpus);
  }

  int lanes;
  std::vector<int> cpus;  // of the lanes; empty when not pinned
  bool caller_pinned = false;
  tbb::task_arena arena;
  std::unique_ptr<PinObserver> observer;  // before the arena it watches
};

Arena::Arena(int threads, Pin pin) : state_(std::make_unique<State>(threads, pin)) {}
Arena::~Arena() = default;

int Arena::lanes() const {
  return state_->lanes;
}

bool Arena::pinned() const {
  return !state_->cpus.empty();
}

CallerPin::CallerPin(Arena& arena) {
  Arena::State& state = *arena.state_;
  if (state.cpus.empty() || state.caller_pinned) return;
  if (pthread_getaffinity_np(pthread_self(), sizeof before_, &before_) != 0) return;
  pin_to(state.cpus.front());
  state.caller_pinned = true;
  arena_ = &arena;
}

CallerPin::~CallerPin() {
  if (arena_ == nullptr) return;
  pthread_setaffinity_np(pthread_self(), sizeof before_, &before_);
  arena_->state_->caller_pinned = false;
}

namespace {

// What a helper's task does. Copied into the task by TBB.
class HelperTask {
 public:
  HelperTask(Region& region, int caller_slot) : region_(&region), caller_slot_(caller_slot) {}
  HelperTask(const HelperTask& other) : region_(other.region_), caller_slot_(other.caller_slot_) {
    tell_handed_over();
  }
  HelperTask& operator=(const HelperTask&) = delete;
  void operator()() const {
    tell_taken_over();
    // The caller is lane 0; the thread in slot 0, if that is another one, has the caller's number.
    const int slot = tbb::this_task_arena::current_thread_index();
    region_->help(slot == 0 ? caller_slot_ : slot);
    tell_handed_over();
  }

 private:
  Region* region_;
  int caller_slot_;
};

// Closes the region and waits for the helpers inside it, also when the body throws. Helpers that
// never arrived run here, find the region closed and return.
class Helpers {
 public:
  Helpers(Region& region, int count) : region_(region) {
    const HelperTask task(region, tbb::this_task_arena::current_thread_index());
    for (int i = 0; i < count; ++i) group_.run(task);
  }
  ~Helpers() {
    region_.close();
    group_.wait();
    tell_taken_over();
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

 private:
  Region& region_;
  tbb::task_group group_;
};

}  // namespace

void Arena::run_erased(void* function, void (*call)(void* function, Team& team)) {
  const CallerPin pin(*this);
  if (state_->lanes == 1) {
    Team alone;
    call(function, alone);
    return;
  }
  state_->arena.execute([&] {
    Region region(state_->lanes);
    Team team(region, state_->lanes);
    const Helpers helpers(region, state_->lanes - 1);
    call(function, team);
  });
}

}  // namespace batchtune::kernels

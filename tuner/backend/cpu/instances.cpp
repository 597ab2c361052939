#include "tuner/backend/cpu/instances.h"

#include <pthread.h>
#include <sched.h>

#include <iterator>

#include "tuner/backend/cpu/host.h"

namespace batchtune::cpu {
namespace {

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

// An arena takes the CPUs of the thread that makes it.
Instances::Instances(int count, int threads) {
  const AffinityKeeper keeper;
  const std::vector<int> cpus =
      count > 1 ? ordered_by_core(keeper.first(count * threads)) : std::vector<int>{};
  for (int instance = 0; instance < count; ++instance) {
    limit_to(cpus, instance * threads, threads);
    arenas_.push_back(std::make_unique<kernels::Arena>(threads, kernels::Pin::yes));
  }
  side_by_side_ =
      std::make_unique<SideBySide>(count, [this](int instance, const std::function<void()>& work) {
        const kernels::CallerPin pin(arena(instance));
        work();
      });
}

RunTimes Instances::run(int n, const RunBatch& batch) {
  return side_by_side_->run(n, [&](int instance) {
    arena(instance).run([&](kernels::Team& team) { batch(instance, team); });
  });
}

}  // namespace batchtune::cpu

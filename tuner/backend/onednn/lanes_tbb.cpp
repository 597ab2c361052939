// Lanes on oneTBB's threads: an arena of so many slots, of which the caller of within() has one.
// oneDNN takes as many threads as the arena that it is called in has slots. Helpers pin themselves
// when they enter, slot i to the i-th CPU; they sleep outside of runs by themselves.
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

#include <utility>

#include "tuner/backend/onednn/affinity.h"
#include "tuner/backend/onednn/lanes.h"

namespace batchtune::onednn {
namespace {

// oneTBB's own limit would follow the affinity of the thread that happened to come first.
constexpr std::size_t kMostThreads = 1024;

class PinObserver final : public tbb::task_scheduler_observer {
 public:
  PinObserver(tbb::task_arena& arena, const std::vector<int>& cpus)
      : tbb::task_scheduler_observer(arena), cpus_(cpus) {
    observe(true);
  }
  ~PinObserver() override { observe(false); }
  void on_scheduler_entry(bool) override {
    const int slot = tbb::this_task_arena::current_thread_index();
    if (slot >= 0) pin_to(cpus_[static_cast<std::size_t>(slot) % cpus_.size()]);
  }

 private:
  const std::vector<int>& cpus_;
};

}  // namespace

struct Lanes::Threads {
  explicit Threads(int threads) : arena(threads, 1) {
    static tbb::global_control limit(tbb::global_control::max_allowed_parallelism, kMostThreads);
  }
  tbb::task_arena arena;
  std::unique_ptr<PinObserver> observer;  // before the arena that it watches
};

Lanes::Lanes(int threads, std::vector<int> cpus)
    : threads_(threads), cpus_(std::move(cpus)), of_runtime_(std::make_unique<Threads>(threads)) {
  if (pinned()) of_runtime_->observer = std::make_unique<PinObserver>(of_runtime_->arena, cpus_);
}
Lanes::~Lanes() = default;

void Lanes::within(const std::function<void()>& work) {
  const AffinityKeeper keeper;
  of_runtime_->arena.execute(work);
}

void Lanes::for_each(std::int64_t count, const std::function<void(std::int64_t)>& each) const {
  tbb::parallel_for(std::int64_t{0}, count, each);
}

}  // namespace batchtune::onednn

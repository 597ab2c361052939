// Lanes on OpenMP's threads. Each thread that calls a parallel region has helpers of its own
// (libgomp's pool of that thread): the same ones in every region, as long as the number of threads
// is the same. So instances do not share helpers, and a helper stays where it was pinned. What
// a change of that number makes anew is pinned when within() comes again.
#include <omp.h>

#include <atomic>
#include <utility>

#include "tuner/backend/onednn/affinity.h"
#include "tuner/backend/onednn/lanes.h"

namespace batchtune::onednn {

struct Lanes::Threads {
  int number = 0;  // which Lanes a thread was pinned for last
};

namespace {

std::atomic<int> last_number{0};
thread_local int pinned_for = 0;

void pin_all(int number, int threads, const std::vector<int>& cpus) {
#pragma omp parallel num_threads(threads)
  {
    if (pinned_for != number) {
      pin_to(cpus[static_cast<std::size_t>(omp_get_thread_num()) % cpus.size()]);
      pinned_for = number;
    }
  }
}

}  // namespace

Lanes::Lanes(int threads, std::vector<int> cpus)
    : threads_(threads),
      cpus_(std::move(cpus)),
      of_runtime_(std::make_unique<Threads>(Threads{++last_number})) {}
Lanes::~Lanes() = default;

void Lanes::within(const std::function<void()>& work) {
  const AffinityKeeper keeper;
  // The caller's settings, given back however `work` ends.
  struct Before {
    int threads = omp_get_max_threads();
    int dynamic = omp_get_dynamic();
    int pinned = pinned_for;
    ~Before() {
      omp_set_num_threads(threads);
      omp_set_dynamic(dynamic);
      pinned_for = pinned;
    }
  } const before;
  pinned_for = 0;
  omp_set_dynamic(0);
  omp_set_num_threads(threads_);
  if (pinned()) pin_all(of_runtime_->number, threads_, cpus_);
  work();
}

void Lanes::for_each(std::int64_t count, const std::function<void(std::int64_t)>& each) const {
#pragma omp parallel for num_threads(threads_) schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) each(i);
}

}  // namespace batchtune::onednn

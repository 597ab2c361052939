// Pinning the calling thread. Advice: where the system refuses it, the thread runs on as it was.
#pragma once

#include <sched.h>

namespace batchtune::onednn {

void pin_to(int cpu);

// Gives the calling thread back the CPUs that it had.
class AffinityKeeper {
 public:
  AffinityKeeper();
  ~AffinityKeeper();
  AffinityKeeper(const AffinityKeeper&) = delete;
  AffinityKeeper& operator=(const AffinityKeeper&) = delete;

 private:
  cpu_set_t before_;
  bool known_;
};

}  // namespace batchtune::onednn

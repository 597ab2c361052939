// How many threads of this process computed at a time: what they would have had of the CPUs if
// nobody else wanted them.
// The trap: neither a look at what would like to run nor CPU time says so by itself. On a busy
// machine a thread that has only to go to sleep waits for a CPU as long as one that computes, and
// several that compute share one.
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

#include "tuner/core/stopwatch.h"
#include "tuner/core/units.h"

namespace batchtune::conformance {

// Of one thread: on a CPU, and ready to run without one.
struct ThreadTime {
  Seconds ran = 0, waited = 0;
};

// Average over `passed`. CPU time counts by as much as its thread waited beside it, but by no more
// than is usual for CPU time here (the median); what threads ran that are in no list (`ran_by_all`
// has it) counts by what is usual. Never above the number of threads that computed.
double computing_threads(std::vector<ThreadTime> threads, Seconds ran_by_all, Seconds passed);

// Watches this process from when it is made, but for the thread that look() is called on.
class CpuDemand {
 public:
  CpuDemand();
  void look();  // often: what a thread waited that is gone at the next look is not known
  double threads() const;  // that computed, until the last look

 private:
  std::map<pid_t, ThreadTime> first_, last_;
  Seconds first_of_all_, last_of_all_;
  Stopwatch stopwatch_;
  Seconds passed_ = 0;
};

}  // namespace batchtune::conformance

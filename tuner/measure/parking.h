// Keeping a worker off the CPUs while others have the turn: most wait on their socket, but threads
// of a runtime may go on spinning, for a moment or for ever.
#pragma once

#include <sys/types.h>

#include <optional>

#include "tuner/core/units.h"

namespace batchtune {

// CPU seconds that all threads of a process have used; nullopt when it is gone.
std::optional<Seconds> cpu_seconds_of(pid_t pid);

class ParkedProcess {
 public:
  explicit ParkedProcess(pid_t group) : group_(group) {}

  // Waits some milliseconds until it uses no CPU; one that does not get quiet is stopped (SIGSTOP
  // to its process group), after the second time in a row at once.
  void park();
  // Continues it where it was stopped. Must come before anything is asked of it.
  void wake();

 private:
  pid_t group_;
  int restless_ = 0;  // times in a row that it did not get quiet
  bool stopped_ = false;
};

}  // namespace batchtune

// Working sets of growing size, read again and again by all threads. Internal to kernels/probe.
#pragma once

#include <functional>
#include <vector>

#include "kernels/probe/burst.h"
#include "kernels/probe/touched_memory.h"

namespace batchtune::probe {

// Bytes for the largest working set of all threads: eight times the largest plausible cache, a
// quarter of what is available. sysfs is asked how far to look only: on virtual machines it
// describes another machine.
double largest_working_set(int threads, double available_bytes);

// What the system says is available now; 0 where it does not say.
double available_memory();

// Bytes per thread, ascending from 8 KiB: multiples of kReadBlock.
std::vector<std::size_t> working_set_sizes(double largest_per_thread, double step);

class Sweep {
 public:
  // Reserves address space; memory is touched as the points are added. data() may fail: see ok().
  Sweep(int threads, std::size_t largest_per_thread);
  bool ok() const;

  // Touches what is new (each thread its own), and makes the burst that reads `bytes` per thread on
  // the first `threads` threads. The burst refers to this object.
  Burst burst(PinnedTeam& team, std::size_t bytes, int threads);

 private:
  std::vector<TouchedMemory> memory_;  // one per thread
};

}  // namespace batchtune::probe

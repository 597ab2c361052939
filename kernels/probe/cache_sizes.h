// What sysfs says of a CPU's caches, and how much of the last one a canary reads. On a virtual
// machine sysfs may describe another machine: sizes are bounded by what is sensible anyway.
// Internal to kernels/probe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace batchtune::probe {

struct CacheSizes {
  std::size_t second = 0;    // bytes of the CPU's L2; 0: not said
  std::size_t last = 0;      // bytes of its largest cache; 0: not said
  std::vector<int> sharing;  // CPUs that share the largest one; empty: not said
};

inline constexpr char kSysfsCpus[] = "/sys/devices/system/cpu";
CacheSizes cache_sizes(int cpu, const std::string& root = kSysfsCpus);

// Bytes that one of `readers` (CPUs that burst at the same time and share the last cache) reads:
// more than fits its L2, all of them together at most a quarter of the last cache where that leaves
// enough, never more than 8 MiB. A multiple of kReadBlock.
std::size_t canary_block(const CacheSizes& sizes, int readers);

}  // namespace batchtune::probe

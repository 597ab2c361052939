// What the machine says of itself to this process: processor, CPUs and memory it may use.
#pragma once

#include <string>
#include <vector>

#include "tuner/core/units.h"

namespace batchtune::cpu {

struct Host {
  std::string processor;  // "AMD EPYC"; "unknown processor" where /proc does not say
  int cpus = 1;           // that may be used: affinity and whole CPUs of the cgroup quota
  Bytes memory = 0;       // installed, or the cgroup's limit where that is smaller
  Bytes available = 0;    // of it, not in use by anyone now; `memory` where the kernel says nothing
};

// CPUs with the hardware threads of one core next to each other, else in their order.
std::vector<int> ordered_by_core(std::vector<int> cpus, const std::string& root = "/");

// `root` holds proc/ and sys/; tests have one of their own. Affinity is always this process's.
Host read_host(const std::string& root = "/");

}  // namespace batchtune::cpu

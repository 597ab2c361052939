#include "tuner/backend/onednn/affinity.h"

#include <pthread.h>

#include <iterator>
#include <vector>

#include "tuner/backend/cpu/host.h"
#include "tuner/backend/onednn/lanes.h"

namespace batchtune::onednn {

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

AffinityKeeper::AffinityKeeper()
    : known_(pthread_getaffinity_np(pthread_self(), sizeof before_, &before_) == 0) {}

AffinityKeeper::~AffinityKeeper() {
  if (known_) pthread_setaffinity_np(pthread_self(), sizeof before_, &before_);
}

std::vector<std::vector<int>> cpus_of_instances(int instances, int threads) {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = pthread_getaffinity_np(pthread_self(), sizeof set, &set) == 0;
  for (int cpu = 0; known && cpu < CPU_SETSIZE && std::ssize(cpus) < instances * threads; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  if (instances > 1) cpus = cpu::ordered_by_core(cpus);
  std::vector<std::vector<int>> all(static_cast<std::size_t>(instances));
  for (int i = 0; i < instances * threads && !cpus.empty(); ++i)
    all[static_cast<std::size_t>(i / threads)].push_back(
        cpus[static_cast<std::size_t>(i) % cpus.size()]);
  return all;
}

}  // namespace batchtune::onednn

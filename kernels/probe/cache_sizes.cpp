#include "kernels/probe/cache_sizes.h"

#include <algorithm>
#include <fstream>

#include "kernels/probe/loops.h"

namespace batchtune::probe {
namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;
constexpr std::size_t kLargestBlock = 8 * kMiB;  // 0.1 to 0.3 ms from a last cache
constexpr std::size_t kUsualSecond = 1 * kMiB;   // where sysfs is silent
constexpr std::size_t kUsualLast = 16 * kMiB;
constexpr std::size_t kShareOfLast = 4;  // a quarter: the rest stays with the programs
constexpr std::size_t kTimesSecond =
    2;                                // twice the L2: read in order, nothing of it survives there
constexpr int kMostDescriptions = 8;  // no processor has more cache descriptions

std::size_t read_size(const std::string& path) {
  std::ifstream file(path);
  std::size_t size = 0;
  char unit = 'K';
  if (!(file >> size >> unit)) return 0;
  return size * (unit == 'M' ? kMiB : kKiB);
}

// "0-3,8": ascending CPUs.
std::vector<int> read_cpus(const std::string& path) {
  std::ifstream file(path);
  std::vector<int> cpus;
  int first = 0;
  while (file >> first) {
    int last = first;
    if (file.peek() == '-') {
      file.ignore();
      if (!(file >> last)) break;
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (file.peek() != ',') break;
    file.ignore();
  }
  return cpus;
}

}  // namespace

CacheSizes cache_sizes(int cpu, const std::string& root) {
  CacheSizes sizes;
  int deepest = 0;
  for (int index = 0; index < kMostDescriptions; ++index) {
    const std::string folder =
        root + "/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(index) + "/";
    std::ifstream level_file(folder + "level");
    int level = 0;
    if (!(level_file >> level)) continue;
    if (level == 2) sizes.second = read_size(folder + "size");
    if (level <= deepest) continue;
    deepest = level;
    sizes.last = read_size(folder + "size");
    sizes.sharing = read_cpus(folder + "shared_cpu_list");
  }
  return sizes;
}

std::size_t canary_block(const CacheSizes& sizes, int readers) {
  const std::size_t second = sizes.second > 0 ? sizes.second : kUsualSecond;
  const std::size_t last = sizes.last > 0 ? sizes.last : kUsualLast;
  const std::size_t share = last / kShareOfLast / static_cast<std::size_t>(std::max(readers, 1));
  const std::size_t block = std::min(std::max(share, kTimesSecond * second), kLargestBlock);
  return block / kReadBlock * kReadBlock;
}

}  // namespace batchtune::probe

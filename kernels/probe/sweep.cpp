#include "kernels/probe/sweep.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "kernels/probe/loops.h"

namespace batchtune::probe {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kCachesBeyond = 8;  // so many times the largest cache is surely main memory
constexpr double kSmallestLastCache = 64 * kMiB;  // look at least as far as for this one ...
constexpr double kLargestLastCache =
    512 * kMiB;  // ... and at most as far as for this one per socket
constexpr double kLastCachePerThread = 4 * kMiB;  // usual share of a core on server processors
constexpr std::size_t kFirstBytes = 8 * 1024;
// Beyond this per process, a pass takes longer than a burst: wider steps there, still several per
// octave.
constexpr double kWideStepFrom = 64 * kMiB;
constexpr double kWideStep = 1.4;

double largest_sysfs_cache() {
  double largest = 0;
  for (int index = 0; index < 8; ++index) {  // no processor has more cache descriptions
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) +
                       "/size");
    double size = 0;
    char unit = 'K';
    if (file >> size >> unit) largest = std::max(largest, size * (unit == 'M' ? kMiB : 1024.0));
  }
  return largest;
}

ReadLoop widest_read_loop() {
  if (kernels::supported(kernels::Isa::avx512)) return &avx512::read;
  if (kernels::supported(kernels::Isa::avx2)) return &avx2::read;
  return &reference::read;
}

}  // namespace

double available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    double kib = 0;
    if (key == "MemAvailable:" && file >> kib) return kib * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

double largest_working_set(int threads, double available_bytes) {
  const double cache =
      std::min(std::max({largest_sysfs_cache(), kSmallestLastCache, kLastCachePerThread * threads}),
               std::max(kLargestLastCache, kLastCachePerThread * threads));
  const double wanted = kCachesBeyond * cache;
  return available_bytes > 0 ? std::min(wanted, available_bytes / 4) : wanted;
}

std::vector<std::size_t> working_set_sizes(double largest_per_thread, double step) {
  std::vector<std::size_t> sizes;
  double size = kFirstBytes;
  while (size <= largest_per_thread) {
    const auto rounded = static_cast<std::size_t>(size) / kReadBlock * kReadBlock;
    if (sizes.empty() || rounded > sizes.back()) sizes.push_back(rounded);
    size *= size >= kWideStepFrom ? std::max(step, kWideStep) : step;
  }
  return sizes;
}

Sweep::Sweep(int threads, std::size_t largest_per_thread)
    : memory_(static_cast<std::size_t>(threads)) {
  for (TouchedMemory& memory : memory_) memory.reserve(largest_per_thread);
}

bool Sweep::ok() const {
  return std::all_of(memory_.begin(), memory_.end(),
                     [](const TouchedMemory& memory) { return memory.data() != nullptr; });
}

Burst Sweep::burst(PinnedTeam& team, std::size_t bytes, int threads) {
  team.run(
      team.size(), [](int) {},
      [&](int member) { memory_[static_cast<std::size_t>(member)].touch(bytes); });
  Burst burst;
  burst.threads = threads;
  burst.work = static_cast<double>(bytes) * threads;
  burst.whole_warm = true;
  burst.loop = [this, bytes, loop = widest_read_loop()](int member, std::int64_t repeats) {
    const std::uint64_t word =
        loop(memory_[static_cast<std::size_t>(member)].data(), bytes, repeats);
    asm volatile("" : : "r"(word));  // the result is used
  };
  return burst;
}

}  // namespace batchtune::probe

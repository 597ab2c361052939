// The canaries' bursts on the machine at hand, and what they read of sysfs, on a tree of our own.
// Nothing here asserts a time.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "kernels/probe/cache_sizes.h"
#include "kernels/probe/canary.h"
#include "kernels/probe/loops.h"
#include "kernels/probe/pinned_team.h"
#include "tests/support/catch.h"

namespace batchtune::probe {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A folder like /sys/devices/system/cpu, gone at the end of the test.
class FakeSysfs {
 public:
  FakeSysfs()
      : root_(std::filesystem::temp_directory_path() /
              ("batchtune-caches-" + std::to_string(getpid()))) {}
  ~FakeSysfs() { std::filesystem::remove_all(root_); }

  void add(int cpu, int index, const std::string& level, const std::string& size,
           const std::string& sharing) {
    const auto folder =
        root_ / ("cpu" + std::to_string(cpu)) / "cache" / ("index" + std::to_string(index));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "level") << level << '\n';
    std::ofstream(folder / "size") << size << '\n';
    std::ofstream(folder / "shared_cpu_list") << sharing << '\n';
  }
  std::string root() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

}  // namespace

TEST_CASE("a burst has figures of every CPU, again and again", "[kernels][probe][canary]") {
  const auto cpus = allowed_cpus();
  CanaryTeam team(cpus);
  REQUIRE(team.failure().empty());
  for (int i = 0; i < 5; ++i) {
    const CanaryBurst burst = team.burst();
    REQUIRE(burst.compute.size() == cpus.size());
    REQUIRE(burst.cache.size() == cpus.size());
    for (const double seconds : burst.compute) CHECK(seconds > 0);
    for (const double seconds : burst.cache) CHECK(seconds > 0);
    CHECK(burst.clock_hz > 0);
    REQUIRE(burst.compute_cycles.size() == cpus.size());
    for (const double cycles : burst.compute_cycles) CHECK(cycles > 0);
    REQUIRE(burst.exchange.size() == cpus.size() / 2);
    for (const double seconds : burst.exchange) CHECK(seconds > 0);
  }
}

TEST_CASE("the clock is one that processors have", "[kernels][probe][canary]") {
  // A burst that was interrupted shows too slow a clock, never too fast a one: the best of many.
  constexpr double kSlowest = 0.3e9, kFastest = 8e9;
  CanaryTeam team({allowed_cpus().front()});
  REQUIRE(team.failure().empty());
  double best = 0;
  for (int i = 0; i < 20; ++i) best = std::max(best, team.burst().clock_hz);
  CHECK(best > kSlowest);
  CHECK(best < kFastest);
}

TEST_CASE("parked canaries use no CPU", "[kernels][probe][canary]") {
  CanaryTeam team(allowed_cpus());
  team.burst();
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(cpu_seconds() - before < 0.01);
}

TEST_CASE("canaries that cannot be pinned say so and stay silent", "[kernels][probe][canary]") {
  for (const std::vector<int>& cpus : {std::vector<int>{}, std::vector<int>{1 << 20}}) {
    CanaryTeam team(cpus);
    CHECK_FALSE(team.failure().empty());
    CHECK(team.burst().compute.empty());
  }
}

TEST_CASE("the last cache and who shares it are read from sysfs", "[kernels][probe][canary]") {
  FakeSysfs sysfs;
  sysfs.add(1, 0, "1", "48K", "1");
  sysfs.add(1, 2, "2", "2048K", "1,5");
  sysfs.add(1, 3, "3", "32M", "0-3,8");
  const CacheSizes sizes = cache_sizes(1, sysfs.root());
  CHECK(sizes.second == 2 * kMiB);
  CHECK(sizes.last == 32 * kMiB);
  CHECK(sizes.sharing == std::vector<int>{0, 1, 2, 3, 8});
}

TEST_CASE("where sysfs is silent or odd, nothing is known and a block is read all the same",
          "[kernels][probe][canary]") {
  FakeSysfs sysfs;
  CHECK(cache_sizes(0, sysfs.root()).last == 0);
  sysfs.add(0, 0, "three", "big", "?");
  sysfs.add(0, 1, "3", "", "");
  const CacheSizes sizes = cache_sizes(0, sysfs.root());
  CHECK(sizes.last == 0);
  CHECK(sizes.sharing.empty());
  CHECK(canary_block(sizes, 2) == 2 * kMiB);
}

TEST_CASE("a canary's block lies beyond L2, leaves the last cache to programs, and is never large",
          "[kernels][probe][canary]") {
  CHECK(canary_block({1 * kMiB, 32 * kMiB, {}}, 2) == 4 * kMiB);
  CHECK(canary_block({1 * kMiB, 32 * kMiB, {}}, 16) == 2 * kMiB);  // twice its L2
  CHECK(canary_block({2 * kMiB, 480 * kMiB, {}}, 2) == 8 * kMiB);  // sysfs of another machine
  CHECK(canary_block({64 * kMiB, 64 * kMiB, {}}, 1) == 8 * kMiB);
  CHECK(canary_block({0, 0, {}}, 0) == 4 * kMiB);
  CHECK(canary_block({300 * 1024 + 1, 1, {}}, 1) % kReadBlock == 0);
}

}  // namespace batchtune::probe

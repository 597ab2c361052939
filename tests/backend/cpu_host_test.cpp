// Reading the machine's limits from files as /proc and cgroups have them.
#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tuner/backend/cpu/host.h"

using namespace batchtune;

namespace {

// A root folder with the given files, gone at the end.
class FakeRoot {
 public:
  FakeRoot() {
    root_ = std::filesystem::temp_directory_path() / "batchtune_fake_root";
    std::filesystem::remove_all(root_);
    put("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable: 8192 kB\n");
    put("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU 9000\n");
  }
  ~FakeRoot() { std::filesystem::remove_all(root_); }
  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  cpu::Host read() const { return cpu::read_host(root_.string() + "/"); }

 private:
  std::filesystem::path root_;
};

}  // namespace

TEST_CASE("without limits the machine's own figures hold", "[cpu][host]") {
  FakeRoot root;
  const cpu::Host host = root.read();
  CHECK(host.processor == "Some CPU 9000");
  CHECK(host.memory == 16384 * 1024);
  CHECK(host.available == 8192 * 1024);
  CHECK(host.cpus >= 1);
}

TEST_CASE("the smallest limit of the cgroup and its ancestors counts", "[cpu][host]") {
  FakeRoot root;
  root.put("proc/self/cgroup", "0::/outer/inner\n");
  root.put("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  root.put("sys/fs/cgroup/outer/cpu.max", "50000 100000\n");
  root.put("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  root.put("sys/fs/cgroup/outer/memory.max", "8388608\n");
  const cpu::Host host = root.read();
  CHECK(host.cpus == 1);
  CHECK(host.memory == 8388608);
  CHECK(host.available == 8388608);
  root.put("sys/fs/cgroup/outer/cpu.max", "199999 100000\n");
  CHECK(root.read().cpus == 1);  // whole CPUs alone: `list devices` and threads agree
}

TEST_CASE("version 1 cgroups are read as well", "[cpu][host]") {
  FakeRoot root;
  root.put("proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n");
  root.put("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "100000\n");
  root.put("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  root.put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "4194304\n");
  const cpu::Host host = root.read();
  CHECK(host.cpus == 1);
  CHECK(host.memory == 4194304);
}

TEST_CASE("files that are missing or odd leave a usable answer", "[cpu][host]") {
  FakeRoot root;
  root.put("proc/cpuinfo", "nothing here\n");
  root.put("proc/self/cgroup", "garbage\n::\n");
  root.put("sys/fs/cgroup/cpu.max", "-1 0\n");
  const cpu::Host host = root.read();
  root.put("proc/meminfo", "MemTotal: 16384 kB\n");
  CHECK(root.read().available == 16384 * 1024);
  CHECK(host.processor == "unknown processor");
  CHECK(host.cpus >= 1);
}

// What this process may use, read from made-up machines: files below a folder of the test's own.
#include "tuner/cli/host.h"

#include <string>

#include "tests/cli/fake_machine.h"
#include "tests/support/catch.h"

using namespace batchtune;
using batchtune::test::FakeMachine;

namespace {

constexpr Bytes kGiB = Bytes{1} << 30;

}  // namespace

TEST_CASE("without a cgroup limit 80 % of available memory may be used", "[cli][host]") {
  FakeMachine machine;
  const MemoryShare share = memory_share(machine.root());
  CHECK(share.limit == static_cast<Bytes>(0.8 * static_cast<double>(4 * kGiB)));
  CHECK(share.origin == "80 % of available memory");
  CHECK(share.total == 8 * kGiB);
}

TEST_CASE("the smallest memory limit of the cgroup and its ancestors counts", "[cli][host]") {
  FakeMachine machine;
  machine.write("/proc/self/cgroup", "0::/a/b\n");
  machine.write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  machine.write("/sys/fs/cgroup/a/memory.max", "1073741824\n");
  const MemoryShare share = memory_share(machine.root());
  CHECK(share.limit == kGiB);
  CHECK(share.origin == "cgroup limit");
}

TEST_CASE("a container's cgroup that is not below the mount is read at the mount", "[cli][host]") {
  FakeMachine machine;
  machine.write("/proc/self/cgroup", "0::/docker/0123456789\n");
  machine.write("/sys/fs/cgroup/memory.max", "2147483648\n");
  CHECK(memory_share(machine.root()).limit == 2 * kGiB);
}

TEST_CASE("version 1 of cgroups is understood, and its number for no limit", "[cli][host]") {
  FakeMachine machine;
  machine.write("/proc/self/cgroup", "5:memory:/job\n3:cpu,cpuacct:/job\n");
  machine.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  machine.write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1073741824\n");
  machine.write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "100000\n");
  machine.write("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  CHECK(memory_share(machine.root()).limit == kGiB);
  const CpuShare cpus = cpu_share(machine.root());
  REQUIRE(cpus.quota.has_value());
  CHECK(*cpus.quota == Approx(1.0));
  CHECK(cpus.usable == 1);
}

TEST_CASE("a quota of less than the affinity limits the CPUs, rounded down but never to none",
          "[cli][host]") {
  FakeMachine machine;
  machine.write("/proc/self/cgroup", "0::/job\n");
  machine.write("/sys/fs/cgroup/job/cpu.max", "50000 100000\n");
  const CpuShare half = cpu_share(machine.root());
  CHECK(half.usable == 1);
  CHECK(half.origin == "cgroup quota");

  machine.write("/sys/fs/cgroup/job/cpu.max", "max 100000\n");
  const CpuShare all = cpu_share(machine.root());
  CHECK_FALSE(all.quota.has_value());
  CHECK(all.usable == all.affinity);
  CHECK(all.origin == "affinity");
}

TEST_CASE("a machine that says nothing has one unknown CPU and no memory to give", "[cli][host]") {
  CHECK(cpu_model("/nonexistent") == "unknown processor");
  CHECK(memory_share("/nonexistent").limit == 0);
  CHECK(cpu_share("/nonexistent").usable >= 1);
}

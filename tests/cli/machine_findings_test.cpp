// What doctor says of made-up machines.
#include "tuner/cli/machine_findings.h"

#include <algorithm>
#include <string>

#include "tests/cli/fake_machine.h"
#include "tests/support/catch.h"

using namespace batchtune;
using batchtune::test::FakeMachine;

namespace {

Finding find(const FakeMachine& machine, const std::string& key) {
  for (const Finding& finding : machine_findings(machine.root()))
    if (finding.key == key) return finding;
  FAIL("no finding " << key);
  return {};
}

constexpr char kGovernor[] = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
constexpr char kHugePages[] = "/sys/kernel/mm/transparent_hugepage/enabled";

}  // namespace

TEST_CASE("a file that is not there is unknown, and brings no advice", "[cli][doctor]") {
  FakeMachine machine;
  for (const char* key : {"cpu.governor", "clock.source", "cpu.smt", "numa.nodes", "hypervisor",
                          "memory.huge_pages", "memory.overcommit", "memory.swap_used"}) {
    INFO(key);
    const Finding finding = find(machine, key);
    CHECK(finding.verdict == FindingVerdict::unknown);
    CHECK(std::holds_alternative<std::monostate>(finding.value));
    CHECK(finding.advice.empty());
  }
}

TEST_CASE("a governor that saves power is bad, with what to do", "[cli][doctor]") {
  FakeMachine machine;
  machine.write(kGovernor, "powersave\n");
  const Finding saving = find(machine, "cpu.governor");
  CHECK(saving.verdict == FindingVerdict::bad);
  CHECK(to_string(saving.value) == "powersave");
  CHECK(saving.advice.find("performance") != std::string::npos);
  machine.write(kGovernor, "performance\n");
  CHECK(find(machine, "cpu.governor").verdict == FindingVerdict::good);
}

TEST_CASE("huge pages are what stands in brackets", "[cli][doctor]") {
  FakeMachine machine;
  machine.write(kHugePages, "always [madvise] never\n");
  CHECK(to_string(find(machine, "memory.huge_pages").value) == "madvise");
  CHECK(find(machine, "memory.huge_pages").verdict == FindingVerdict::good);
  machine.write(kHugePages, "always madvise [never]\n");
  CHECK(find(machine, "memory.huge_pages").verdict == FindingVerdict::bad);
}

TEST_CASE("memory nodes are counted, and other entries beside them are not", "[cli][doctor]") {
  FakeMachine machine;
  machine.write("/sys/devices/system/node/node0/cpulist", "0\n");
  machine.write("/sys/devices/system/node/online", "0\n");
  CHECK(find(machine, "numa.nodes").verdict == FindingVerdict::good);
  machine.write("/sys/devices/system/node/node1/cpulist", "1\n");
  CHECK(find(machine, "numa.nodes").value == Value(std::int64_t{2}));
  CHECK(find(machine, "numa.nodes").verdict == FindingVerdict::bad);
}

TEST_CASE("swap, shared cores, a slow clock and a quota are found", "[cli][doctor]") {
  FakeMachine machine;
  machine.write("/proc/meminfo",
                "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 1024 kB\n"
                "SwapFree: 1000 kB\n");
  machine.write("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
  for (const char* cpu : {"cpu0", "cpu1"})
    machine.write(std::string("/sys/devices/system/cpu/") + cpu + "/topology/thread_siblings_list",
                  "0-1\n");
  machine.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  machine.write("/proc/self/cgroup", "0::/job\n");
  machine.write("/sys/fs/cgroup/job/cpu.max", "50000 100000\n");
  CHECK(find(machine, "memory.swap_used").value == Value(std::int64_t{24 * 1024}));
  for (const char* key : {"memory.swap_used", "cpu.smt", "clock.source", "cpu.quota"}) {
    INFO(key);
    CHECK(find(machine, key).verdict == FindingVerdict::bad);
    CHECK_FALSE(find(machine, key).advice.empty());
  }
}

TEST_CASE("siblings of cores that are not ours do not count", "[cli][doctor]") {
  FakeMachine machine;
  machine.write("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0,8\n");
  machine.write("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,9\n");
  machine.write("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
  CHECK(find(machine, "cpu.smt").verdict == FindingVerdict::good);
  machine.write("/proc/self/status", "Cpus_allowed_list:\t0-1,9\n");  // and nothing is known of 9
  CHECK(find(machine, "cpu.smt").verdict == FindingVerdict::unknown);
  machine.write("/sys/devices/system/cpu/cpu9/topology/thread_siblings_list", "1,9\n");
  CHECK(find(machine, "cpu.smt").verdict == FindingVerdict::bad);
}

TEST_CASE("several memory nodes are fine for a process that stays on one", "[cli][doctor]") {
  FakeMachine machine;
  for (const char* node : {"node0", "node1"})
    machine.write(std::string("/sys/devices/system/node/") + node + "/cpulist", "0\n");
  machine.write("/proc/self/status", "Mems_allowed_list:\t0-1\n");
  CHECK(find(machine, "numa.nodes").verdict == FindingVerdict::bad);
  machine.write("/proc/self/status", "Mems_allowed_list:\t1\n");
  CHECK(find(machine, "numa.nodes").verdict == FindingVerdict::good);
}

TEST_CASE("a quota above the CPUs of the affinity throttles nothing", "[cli][doctor]") {
  FakeMachine machine;
  machine.write("/proc/self/cgroup", "0::/job\n");
  machine.write("/sys/fs/cgroup/job/cpu.max", "99999900000 100000\n");
  CHECK(find(machine, "cpu.quota").verdict == FindingVerdict::good);
}

TEST_CASE("the cgroup's own memory limit is told, also one above what is available",
          "[cli][doctor]") {
  FakeMachine machine;
  CHECK(to_string(find(machine, "memory.cgroup_limit").value) == "none");
  machine.write("/proc/self/cgroup", "0::/job\n");
  machine.write("/sys/fs/cgroup/job/memory.max", "7516192768\n");
  CHECK(find(machine, "memory.cgroup_limit").value == Value(std::int64_t{7516192768}));
  CHECK(find(machine, "memory.limit").origin == "80 % of available memory");
}

TEST_CASE("a guest is known by the flag of its processor", "[cli][doctor]") {
  FakeMachine machine;
  machine.write("/proc/cpuinfo", "model name : Some CPU\nflags : fpu hypervisor avx2\n");
  CHECK(to_string(find(machine, "hypervisor").value) == "yes");
  machine.write("/proc/cpuinfo", "model name : Some CPU\nflags : fpu avx2\n");
  CHECK(to_string(find(machine, "hypervisor").value) == "none");
  machine.write("/sys/hypervisor/type", "xen\n");
  CHECK(to_string(find(machine, "hypervisor").value) == "xen");
}

TEST_CASE("every key is there once", "[cli][doctor]") {
  FakeMachine machine;
  std::vector<std::string> keys;
  for (const Finding& finding : machine_findings(machine.root())) keys.push_back(finding.key);
  std::sort(keys.begin(), keys.end());
  CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

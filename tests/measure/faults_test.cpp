// Every fault that can be injected without privileges, in real probe processes, and the answer that
// each gets; and what is left of a tuner that is killed. Prints its table: `test_measure
// "[faults]"`.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/solo_worker.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

constexpr Bytes kMiB = Bytes{1} << 20;
constexpr Seconds kPatient = 30;
constexpr Seconds kHangTimeout = 1;

// A machine whose counters the faults move: /proc, and a delegated cgroup v2.
class FakeMachine {
 public:
  FakeMachine() {
    std::string name = fs::temp_directory_path() / "bt_faults_XXXXXX";
    base_ = mkdtemp(name.data());
    write("proc/vmstat", "oom_kill 0\n");
    write("proc/meminfo", "MemAvailable: 16777216 kB\n");
    write("proc/self/cgroup", "0::/scope\n");
    write("cgroup/cgroup.controllers", "memory\n");
    write("cgroup/scope/cgroup.controllers", "memory\n");
    write("cgroup/scope/cgroup.subtree_control", "memory\n");
    write("cgroup/scope/cgroup.procs", "");
  }
  ~FakeMachine() { fs::remove_all(base_); }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  std::string path(const std::string& name) const { return base_ / name; }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((base_ / name).parent_path());
    std::ofstream(base_ / name) << text;
  }

 private:
  fs::path base_;
};

struct Fault {
  std::string name, backend, parameters;
  std::optional<Bytes> limit;
  LimiterWish wish = LimiterWish::automatic;
  TrialStatus status = TrialStatus::ok;
  std::string evidence;  // begins with it
  std::string where;
  bool killed = false;
  std::string machine = "proc/meminfo";  // written before: what this machine has
  std::string machine_text = "MemAvailable: 16777216 kB\n";
};

std::vector<Fault> faults(const FakeMachine& machine) {
  using enum TrialStatus;
  const std::string of_cgroup = machine.path("cgroup/scope");
  const std::string vmstat = machine.path("proc/vmstat");
  const auto automatic = LimiterWish::automatic;
  // More than this process ever held: see EndingEvidence::at_most.
  const Bytes most = read_process_memory(getpid()).peak_resident.value_or(0) + 128 * kMiB;
  std::vector<Fault> list = {
      {"out of memory: allocator", "throws", "", {}, automatic, out_of_memory, "allocator", "host"},
      {"out of memory: account", "simulated", "", 1, automatic, out_of_memory, "account", "device"},
      {"out of memory: device",
       "simulated",
       "wall=1KiB",
       {},
       automatic,
       out_of_memory,
       "",
       "device"},
      {"killed under its cgroup", "kill", of_cgroup, kMiB, LimiterWish::cgroup, out_of_memory,
       "cgroup_oom_kill", "device", true},
      {"killed by the machine",
       "kill",
       vmstat,
       {},
       automatic,
       out_of_memory,
       "system_oom",
       "host",
       true},
      {"killed, nearly all taken",
       "gorged",
       std::to_string(most),
       {},
       automatic,
       out_of_memory,
       "inferred",
       "host",
       true,
       "proc/meminfo",
       "MemAvailable: " + std::to_string(most / 1024) + " kB\n"},
      {"killed, no reason to see", "kill", "", {}, automatic, crashed, "signal 9", "", true},
      {"hang", "simulated", "hang=4", {}, automatic, timeout, "killed after 1", "", true},
      {"segmentation fault", "simulated", "crash=4", {}, automatic, crashed, "signal 11", ""},
      {"abort", "simulated", "abort=4", {}, automatic, crashed, "signal 6", ""},
      {"exit", "simulated", "exit=4", {}, automatic, crashed, "exit code 3", ""},
      {"garbage on the channel", "garbage", "", {}, automatic, failed, "a frame of", ""},
      {"slow start", "slow", "", {}, automatic, ok, "", ""},
  };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // see worker_setup.h
  list.push_back({"out of memory: address space", "hungry", std::to_string(512 * kMiB), 128 * kMiB,
                  LimiterWish::rlimit, out_of_memory, "allocator", "host"});
#endif
  return list;
}

Probe inject(const Fault& fault, const FakeMachine& machine) {
  machine.write("proc/vmstat", "oom_kill 0\n");
  machine.write(fault.machine, fault.machine_text);
  SoloOptions options;
  options.timeout = fault.status == TrialStatus::timeout ? kHangTimeout : kPatient;
  options.limiter = fault.wish;
  options.cgroup_root = machine.path("cgroup");
  options.proc_root = machine.path("proc");
  Candidate candidate = simulated_candidate(4);
  candidate.group.backend = fault.backend;
  const MemoryKind kind = fault.backend == "simulated" ? MemoryKind::account : MemoryKind::rss;
  const MeasuredBackend backend{fault.backend, fault.parameters, kind, "", {}};
  auto result =
      probe_alone(backend, write_model(small_model()), {candidate, fault.limit, 0}, options);
  REQUIRE(result);
  return std::move(*result);
}

// A process of its own that has a worker hang, in a probe or in a share; killed by SIGKILL.
struct KilledParent {
  int worker = 0, grandchild = 0;
  bool all_ran = false;  // before it was killed
};

KilledParent kill_a_parent(const char* where) {
  const std::string file =
      std::filesystem::temp_directory_path() / ("bt_family_" + std::to_string(getpid()));
  std::filesystem::remove(file + ".hangs");
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t parent = fork();  // this process has one thread; the child only execs
  if (parent == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl("/proc/self/exe", "test", kOrphanCommand, file.c_str(), where, nullptr);
    _exit(127);
  }
  close(ends[1]);
  FILE* output = fdopen(ends[0], "r");
  KilledParent killed;
  REQUIRE(std::fscanf(output, "%d %d", &killed.worker, &killed.grandchild) == 2);
  killed.all_ran = is_running(killed.worker) && is_running(killed.grandchild);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  std::fclose(output);
  std::filesystem::remove(file);
  std::filesystem::remove(file + ".hangs");
  return killed;
}

}  // namespace

TEST_CASE("each injected fault gets its own status and evidence", "[faults]") {
  const FakeMachine machine;
  std::printf("%-30s | %-13s | %-6s | %s\n", "fault", "status", "killed", "evidence");
  for (const Fault& fault : faults(machine)) {
    const Probe probe = inject(fault, machine);
    const Ending& ending = probe.ending;
    std::printf("%-30s | %-13s | %-6s | %s\n", fault.name.c_str(),
                std::string(name_of(ending.status)).c_str(), probe.killed ? "yes" : "no",
                ending.evidence.c_str());
    INFO(fault.name << ": " << ending.reason << "; " << ending.evidence);
    CHECK(ending.status == fault.status);
    CHECK(ending.evidence.rfind(fault.evidence, 0) == 0);
    CHECK(ending.where == fault.where);
    CHECK(probe.killed == fault.killed);
    CHECK(pid_of_a_child() == 0);
  }
}

TEST_CASE("a parent that is killed takes its worker along, and what that has started", "[faults]") {
  for (const char* where : {"probe", "share"}) {
    INFO(where);
    const KilledParent killed = kill_a_parent(where);
    CHECK(killed.all_ran);
    const bool worker_gone = is_gone_within(killed.worker, kPatient);
    const bool grandchild_gone = is_gone_within(killed.grandchild, kPatient);
    std::printf("killed parent, amid a %-11s | worker %s, what it had started %s\n", where,
                worker_gone ? "gone" : "left", grandchild_gone ? "gone" : "left");
    CHECK(worker_gone);
    CHECK(grandchild_gone);
  }
}

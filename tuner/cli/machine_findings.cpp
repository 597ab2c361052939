#include "tuner/cli/machine_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "tuner/cli/host.h"
#include "tuner/cli/system_files.h"
#include "tuner/core/units.h"
#include "tuner/measure/cgroup_limiter.h"

namespace batchtune {
namespace {

constexpr char kMachine[] = "machine";
constexpr char kMemory[] = "memory";
constexpr char kLimits[] = "limits";

// One word of a file, judged by what it says. An absent file is unknown, with `absent` in words.
struct WordFile {
  const char* topic;
  const char* key;
  const char* name;
  const char* path;
  const char* good[4];  // values that measuring wants; the unused ones are null
  const char* advice;   // for all others
};
constexpr WordFile kWordFiles[] = {
    {kMachine,
     "cpu.governor",
     "governor",
     "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
     {"performance"},
     "Set the performance governor: cpupower frequency-set -g performance"},
    {kMachine,
     "clock.source",
     "clock source",
     "/sys/devices/system/clocksource/clocksource0/current_clocksource",
     {"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"},
     "Boot with clocksource=tsc: this one costs a system call each time it is read"},
};

Finding finding(const char* topic, const char* key, const char* name, Value value,
                std::string origin, FindingVerdict verdict = FindingVerdict::fact,
                std::string advice = "") {
  if (std::holds_alternative<std::monostate>(value)) verdict = FindingVerdict::unknown;
  return {
      topic, key, name, std::move(value), "", "", std::move(origin), verdict, std::move(advice)};
}

Finding bytes_finding(const char* topic, const char* key, const char* name, double bytes,
                      std::string origin) {
  Finding found = finding(topic, key, name, static_cast<std::int64_t>(bytes), std::move(origin));
  found.unit = "bytes";
  found.shown = format_bytes(bytes);
  return found;
}

Finding judge_word(const WordFile& file, const std::string& root) {
  const std::string word = first_line(root + file.path);
  if (word.empty()) return finding(file.topic, file.key, file.name, {}, file.path);
  for (const char* good : file.good)
    if (good != nullptr && word == good)
      return finding(file.topic, file.key, file.name, word, file.path, FindingVerdict::good);
  return finding(file.topic, file.key, file.name, word, file.path, FindingVerdict::bad,
                 file.advice);
}

// Whether two CPUs that this process may use are threads of one core; absent: not known. A sibling
// that is not ours does not count.
std::optional<bool> own_cpus_share_cores(const std::string& root) {
  const std::vector<int> allowed = cpu_list(field(root + "/proc/self/status", "Cpus_allowed_list"));
  std::optional<bool> shared;
  for (const int cpu : allowed) {
    const std::vector<int> siblings = cpu_list(first_line(
        fmt::format("{}/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", root, cpu)));
    if (siblings.empty()) return std::nullopt;
    const auto ours = std::ranges::count_if(
        siblings, [&](int sibling) { return std::ranges::count(allowed, sibling) > 0; });
    shared = shared.value_or(false) || ours > 1;
  }
  return shared;
}

Finding simultaneous_threads(const std::string& root) {
  const std::optional<bool> shared = own_cpus_share_cores(root);
  return finding(kMachine, "cpu.smt", "threads share cores (SMT)",
                 shared ? Value(*shared) : Value(), "thread_siblings_list of the CPUs in use",
                 shared.value_or(false) ? FindingVerdict::bad : FindingVerdict::good,
                 shared.value_or(false) ? "Use one CPU of each core (taskset -c), so that threads "
                                          "do not share its units"
                                        : "");
}

Finding hypervisor(const std::string& root) {
  const std::string flags = field(root + "/proc/cpuinfo", "flags");
  const std::string type = first_line(root + "/sys/hypervisor/type");
  if (flags.empty() && type.empty())
    return finding(kMachine, "hypervisor", "hypervisor", {}, "/proc/cpuinfo");
  const bool guest = !type.empty() || (" " + flags + " ").find(" hypervisor ") != std::string::npos;
  const std::string said = !guest ? "none" : type.empty() ? "yes" : type;
  return finding(kMachine, "hypervisor", "hypervisor", said, "/proc/cpuinfo",
                 guest ? FindingVerdict::fact : FindingVerdict::good);
}

Finding nodes(const std::string& root) {
  const std::string path = "/sys/devices/system/node";
  std::int64_t count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root + path, error)) {
    const std::string name = entry.path().filename();
    count += name.size() > 4 && name.starts_with("node") &&
             name.find_first_not_of("0123456789", 4) == std::string::npos;
  }
  if (count == 0) return finding(kMachine, "numa.nodes", "memory nodes (NUMA)", {}, path);
  const bool bound = cpu_list(field(root + "/proc/self/status", "Mems_allowed_list")).size() == 1;
  const bool several = count > 1 && !bound;
  return finding(
      kMachine, "numa.nodes", "memory nodes (NUMA)", count, path,
      several ? FindingVerdict::bad : FindingVerdict::good,
      several ? "Stay on one node: numactl --cpunodebind=0 --membind=0 batchtune ..." : "");
}

// The chosen one stands in brackets: "always [madvise] never".
Finding huge_pages(const std::string& root) {
  const char* path = "/sys/kernel/mm/transparent_hugepage/enabled";
  const std::string line = first_line(root + path);
  const std::size_t open = line.find('['), close = line.find(']');
  const char* key = "memory.huge_pages";
  const char* name = "transparent huge pages";
  if (open == std::string::npos || close == std::string::npos || close < open)
    return finding(kMemory, key, name, {}, path);
  const std::string chosen = line.substr(open + 1, close - open - 1);
  if (chosen != "never") return finding(kMemory, key, name, chosen, path, FindingVerdict::good);
  return finding(kMemory, key, name, chosen, path, FindingVerdict::bad,
                 "Allow huge pages where they are asked for: echo madvise > "
                 "/sys/kernel/mm/transparent_hugepage/enabled");
}

void add_memory(std::vector<Finding>& findings, const std::string& root) {
  const std::string path = "/proc/meminfo";
  const auto bytes = [&](const char* name) -> std::optional<double> {
    const auto kib = number(field(root + path, name));
    return kib ? std::optional(*kib * 1024) : std::nullopt;
  };
  const auto add = [&](const char* key, const char* name, const char* entry) {
    if (const auto found = bytes(entry))
      findings.push_back(bytes_finding(kMemory, key, name, *found, path));
    else
      findings.push_back(finding(kMemory, key, name, {}, path));
  };
  add("memory.total", "memory", "MemTotal");
  add("memory.available", "available", "MemAvailable");
  const auto total = bytes("SwapTotal"), free = bytes("SwapFree");
  if (!total || !free) {
    findings.push_back(finding(kMemory, "memory.swap_used", "swap in use", {}, path));
    return;
  }
  Finding swap = bytes_finding(kMemory, "memory.swap_used", "swap in use", *total - *free, path);
  swap.shown += fmt::format(" of {}", format_bytes(*total));
  swap.verdict = *total > 0 ? FindingVerdict::bad : FindingVerdict::good;
  if (*total > 0)
    swap.advice =
        "Turn swap off while measuring (swapoff -a): a batch that does not fit may go "
        "there instead of failing";
  findings.push_back(std::move(swap));
}

Finding overcommit(const std::string& root) {
  const char* path = "/proc/sys/vm/overcommit_memory";
  const std::string mode = first_line(root + path);
  const char* key = "memory.overcommit";
  const char* name = "overcommit";
  if (mode.empty()) return finding(kMemory, key, name, {}, path);
  const std::string words = mode == "0"   ? "heuristic (0)"
                            : mode == "1" ? "always (1)"
                            : mode == "2" ? "never (2)"
                                          : mode;
  return finding(kMemory, key, name, words, path);
}

void add_limits(std::vector<Finding>& findings, const std::string& root) {
  const CpuShare cpus = cpu_share(root);
  findings.push_back(finding(kLimits, "cpu.usable", "CPUs that may be used",
                             std::int64_t{cpus.usable}, cpus.origin));
  const bool throttles = cpus.quota && *cpus.quota < cpus.affinity;
  Finding quota = finding(kLimits, "cpu.quota", "CPU quota of the cgroup",
                          cpus.quota ? Value(*cpus.quota) : Value(std::string("none")), "cpu.max",
                          throttles ? FindingVerdict::bad : FindingVerdict::good);
  if (cpus.quota) quota.unit = "CPUs";
  if (throttles) {
    quota.advice =
        "Give whole CPUs (a cpuset) instead of a quota, which stops all threads in every "
        "period that it is spent in";
  }
  findings.push_back(std::move(quota));
  const MemoryShare memory = memory_share(root);
  findings.push_back(bytes_finding(kLimits, "memory.limit", "memory limit by default",
                                   static_cast<double>(memory.limit), memory.origin));
  findings.push_back(
      memory.cgroup ? bytes_finding(kLimits, "memory.cgroup_limit", "memory limit of the cgroup",
                                    static_cast<double>(*memory.cgroup), "memory.max")
                    : finding(kLimits, "memory.cgroup_limit", "memory limit of the cgroup",
                              std::string("none"), "memory.max"));
  const auto delegated = find_delegated_cgroup(root + "/sys/fs/cgroup", root + "/proc");
  findings.push_back(delegated ? finding(kLimits, "memory.limiter", "limiter of processes",
                                         std::string("cgroup"), *delegated, FindingVerdict::good)
                               : finding(kLimits, "memory.limiter", "limiter of processes",
                                         std::string("rlimit"), delegated.error().found));
  if (!delegated) findings.back().advice = delegated.error().todo;
}

}  // namespace

std::vector<Finding> machine_findings(const std::string& root) {
  std::vector<Finding> findings;
  findings.push_back(finding(kMachine, "cpu.model", "processor", cpu_model(root), "/proc/cpuinfo"));
  for (const WordFile& file : kWordFiles) findings.push_back(judge_word(file, root));
  findings.push_back(simultaneous_threads(root));
  findings.push_back(nodes(root));
  findings.push_back(hypervisor(root));
  add_memory(findings, root);
  findings.push_back(huge_pages(root));
  findings.push_back(overcommit(root));
  add_limits(findings, root);
  return findings;
}

}  // namespace batchtune

#include "tuner/cli/host.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "build_id.h"
#include "kernels/isa.h"
#include "storage/store.h"
#include "tuner/cli/system_files.h"

namespace batchtune {
namespace {

// Of the memory that is free now: the rest of the machine grows while a session runs.
constexpr double kShareOfAvailable = 0.8;

// cgroup v1 writes "no limit" as a huge number; no machine has 2^60 bytes.
constexpr double kNoLimit = 1152921504606846976.0;

// The smallest limit of the cgroup and its ancestors; `read` gives one folder's.
template <typename Read>
std::optional<double> smallest(const std::vector<std::string>& folders, Read read) {
  std::optional<double> least;
  for (const std::string& folder : folders) {
    const std::optional<double> value = read(folder);
    if (value && (!least || *value < *least)) least = value;
  }
  return least;
}

std::optional<double> quota_v2(const std::string& folder) {
  std::istringstream line(first_line(folder + "/cpu.max"));
  std::string quota;
  double period = 0;
  if (!(line >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
  const auto microseconds = number(quota);
  if (!microseconds) return std::nullopt;
  return *microseconds / period;
}

std::optional<double> quota_v1(const std::string& folder) {
  const auto quota = number(first_line(folder + "/cpu.cfs_quota_us"));
  const auto period = number(first_line(folder + "/cpu.cfs_period_us"));
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::optional<double> memory_limit(const std::string& folder, const char* file) {
  const auto limit = number(first_line(folder + file));
  return limit && *limit < kNoLimit ? limit : std::nullopt;
}

Bytes meminfo(const std::string& root, const char* name) {
  const auto kib = number(field(root + "/proc/meminfo", name));
  return kib ? static_cast<Bytes>(*kib * 1024) : 0;
}

}  // namespace

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

CpuShare cpu_share(const std::string& root) {
  CpuShare share;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) share.affinity = std::max(1, CPU_COUNT(&set));
  share.quota = smallest(cgroup_folders(root, ""), quota_v2);
  const auto v1 = smallest(cgroup_folders(root, "cpu"), quota_v1);
  if (v1 && (!share.quota || *v1 < *share.quota)) share.quota = v1;
  const bool by_quota = share.quota && *share.quota < share.affinity;
  share.usable =
      by_quota ? std::max(1, static_cast<int>(std::floor(*share.quota))) : share.affinity;
  share.origin = by_quota ? "cgroup quota" : "affinity";
  return share;
}

Bytes safe_share_of_available(const std::string& root) {
  return static_cast<Bytes>(kShareOfAvailable * static_cast<double>(meminfo(root, "MemAvailable")));
}

MemoryShare memory_share(const std::string& root) {
  MemoryShare share;
  share.total = meminfo(root, "MemTotal");
  share.available = meminfo(root, "MemAvailable");
  share.limit = safe_share_of_available(root);
  share.origin = "80 % of available memory";
  for (const auto& [controller, file] :
       {std::pair{"", "/memory.max"}, std::pair{"memory", "/memory.limit_in_bytes"}}) {
    const auto limit = smallest(cgroup_folders(root, controller), [&](const std::string& folder) {
      return memory_limit(folder, file);
    });
    if (!limit) continue;
    const auto bytes = static_cast<Bytes>(*limit);
    share.cgroup = std::min(bytes, share.cgroup.value_or(bytes));
    if (bytes >= share.limit) continue;
    share.limit = bytes;
    share.origin = "cgroup limit";
  }
  return share;
}

std::string cpu_model(const std::string& root) {
  const std::string model = field(root + "/proc/cpuinfo", "model name");
  return model.empty() ? "unknown processor" : model;
}

Environment environment_snapshot() {
  const CpuShare cpus = cpu_share();
  const MemoryShare memory = memory_share();
  utsname system{};
  uname(&system);
  return {
      {"cpu.model", cpu_model()},
      {"cpu.isa", std::string(kernels::name_of(kernels::best_isa()))},
      {"cpu.affinity", std::int64_t{cpus.affinity}},
      {"cpu.quota", cpus.quota ? Value(*cpus.quota) : Value()},
      {"memory.total", std::int64_t{memory.total}},
      {"kernel", fmt::format("{} {}", system.sysname, system.release)},
      {"machine", std::string(system.machine)},
      {"compiler", std::string(kCompiler)},
      {"build.type", std::string(kBuildType)},
      {"build.id", std::string(kBuildId)},  // also names the code: a hash of the sources
      {"version", std::string(kVersion)},
      {"library.sqlite", sqlite_version()},
  };
}

}  // namespace batchtune

// Reads /proc and the cgroup file systems, version 2 and 1. A limit may stand in any folder between
// the process's own cgroup and the root: the smallest counts.
#include "tuner/backend/cpu/host.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <vector>

namespace batchtune::cpu {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The value behind "key : value" or "key: value"; "" when there is none.
std::string value_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

double number(const std::string& text) {  // "max", "" and -1 mean no limit
  std::istringstream stream(text);
  double value = kUnlimited;
  if (!(stream >> value) || value <= 0) return kUnlimited;
  return value;
}

// The process's cgroup folder for a version 1 controller, or of version 2 for "".
std::string cgroup_path(const std::string& root, const std::string& controller) {
  std::ifstream file(root + "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool match = controller.empty()
                           ? controllers == ",,"
                           : controllers.find("," + controller + ",") != std::string::npos;
    if (match) return line.substr(second + 1);
  }
  return "/";
}

// Folders from the cgroup at `path` up to the mount, nearest first.
std::vector<std::string> ancestors(const std::string& mount, std::string path) {
  std::vector<std::string> folders;
  while (!path.empty() && path != "/") {
    folders.push_back(mount + path + "/");
    path.erase(path.rfind('/'));
  }
  folders.push_back(mount + "/");
  return folders;
}

double quota_v2(const std::string& root) {
  double least = kUnlimited;
  for (const std::string& folder : ancestors(root + "sys/fs/cgroup", cgroup_path(root, ""))) {
    std::istringstream stream(first_line(folder + "cpu.max"));
    std::string quota;
    double period = 0;
    if (stream >> quota >> period && period > 0) least = std::min(least, number(quota) / period);
  }
  return least;
}

double quota_v1(const std::string& root) {
  double least = kUnlimited;
  for (const std::string& folder :
       ancestors(root + "sys/fs/cgroup/cpu", cgroup_path(root, "cpu"))) {
    const double period = number(first_line(folder + "cpu.cfs_period_us"));
    const double quota = number(first_line(folder + "cpu.cfs_quota_us"));
    if (std::isfinite(quota) && std::isfinite(period)) least = std::min(least, quota / period);
  }
  return least;
}

double memory_limit(const std::string& root) {
  double least = kUnlimited;
  for (const std::string& folder : ancestors(root + "sys/fs/cgroup", cgroup_path(root, "")))
    least = std::min(least, number(first_line(folder + "memory.max")));
  for (const std::string& folder :
       ancestors(root + "sys/fs/cgroup/memory", cgroup_path(root, "memory")))
    least = std::min(least, number(first_line(folder + "memory.limit_in_bytes")));
  return least;
}

double meminfo(const std::string& root, const char* key) {
  return number(value_of(root + "proc/meminfo", key)) * 1024;  // it is in kB
}

Bytes bytes(double amount) {
  return amount < 9e18 ? static_cast<Bytes>(amount) : std::numeric_limits<Bytes>::max();
}

int affinity() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

// The first of a core's hardware threads ("0,4" or "0-1") stands for it.
std::vector<int> ordered_by_core(std::vector<int> cpus, const std::string& root) {
  const auto core_of = [&](int cpu) {
    const std::string first = first_line(root + "sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                                         "/topology/thread_siblings_list");
    return first.empty() ? cpu : std::atoi(first.c_str());
  };
  std::map<int, int> core;
  for (const int cpu : cpus) core[cpu] = core_of(cpu);
  std::stable_sort(cpus.begin(), cpus.end(), [&](int a, int b) { return core[a] < core[b]; });
  return cpus;
}

Host read_host(const std::string& root) {
  Host host;
  host.processor = value_of(root + "proc/cpuinfo", "model name");
  if (host.processor.empty()) host.processor = "unknown processor";
  const double quota = std::min(quota_v2(root), quota_v1(root));
  host.cpus = affinity();
  if (std::isfinite(quota)) host.cpus = std::clamp(static_cast<int>(quota), 1, host.cpus);
  host.memory = bytes(std::min(meminfo(root, "MemTotal"), memory_limit(root)));
  host.available = std::min(host.memory, bytes(meminfo(root, "MemAvailable")));
  return host;
}

}  // namespace batchtune::cpu

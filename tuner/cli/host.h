// What this process may use of the machine, and what machine it is: CPUs by affinity and quota,
// memory by cgroup and what is available, names for the environment snapshot. Read from /proc and
// /sys, under a root that tests replace.
#pragma once

#include <optional>
#include <string>

#include "tuner/core/units.h"
#include "tuner/core/value.h"

namespace batchtune {

struct CpuShare {
  int affinity = 1;             // CPUs that the scheduler may use for this process
  std::optional<double> quota;  // CPUs by cgroup quota; absent = no quota
  int usable = 1;               // the smaller of the two, rounded down, at least 1
  std::string origin;           // "affinity" or "cgroup quota"
};

struct MemoryShare {
  Bytes limit = 0;     // the smaller of the cgroup's limit and 80 % of what is available
  std::string origin;  // "cgroup limit" or "80 % of available memory"
  Bytes total = 0, available = 0;
  std::optional<Bytes> cgroup;  // the least limit of the cgroup and its ancestors; absent = none
};

CpuShare cpu_share(const std::string& root = "");
MemoryShare memory_share(const std::string& root = "");
Bytes safe_share_of_available(const std::string& root = "");  // 80 %, whatever the cgroup allows
std::string cpu_model(const std::string& root = "");

// Flat names: cpu.*, memory.total, kernel, machine, compiler, build.*, version, library.*. No host
// name.
Environment environment_snapshot();

// An environment variable; nullopt when unset or empty.
std::optional<std::string> environment_variable(const char* name);

}  // namespace batchtune

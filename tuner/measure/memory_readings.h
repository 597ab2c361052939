// What the kernel says of memory, of the machine and of one process, from files below /proc. What
// cannot be read is absent. Trap: the machine's counters are everybody's, so only how far one rose
// within a short time says something.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tuner/core/observation.h"
#include "tuner/core/units.h"

namespace batchtune {

inline constexpr char kProcRoot[] = "/proc";

struct MachineMemory {
  std::optional<std::int64_t> oom_kills;  // since the machine started
  std::optional<Seconds> stall;           // in which some task waited for memory (PSI), ever
  std::optional<Bytes> available;         // MemAvailable
};
MachineMemory read_machine_memory(const std::string& proc_root = kProcRoot);

struct ProcessMemory {
  std::optional<Bytes> peak_resident;  // VmHWM
  std::optional<Bytes> resident;       // VmRSS
  std::optional<Spill> spill;          // VmSwap now, and major faults of its life
};
ProcessMemory read_process_memory(pid_t pid, const std::string& proc_root = kProcRoot);

// Of a file below pressure/ (PSI): seconds, ever, in which some task had to wait.
std::optional<Seconds> read_some_stall(const std::string& file);

// The number after `key` in a file of "key number" lines ("oom_kill 3", "VmHWM:   12 kB").
std::optional<std::int64_t> read_keyed(const std::string& file, const std::string& key);

}  // namespace batchtune

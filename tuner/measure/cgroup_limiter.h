// A memory cgroup of its own for one probe, below a cgroup v2 that was handed to this process. It
// never writes a limit to a cgroup that it has not made, and does not use cgroup v1 at all. Trap: a
// cgroup that holds processes cannot hand the memory controller on, so this process moves itself
// (and its children) one level down, once, and only where it is alone.
#pragma once

#include <memory>
#include <string>

#include "tuner/core/error.h"
#include "tuner/core/units.h"
#include "tuner/measure/limiter.h"

namespace batchtune {

// The folder in which groups can be made; changes nothing. The Error says why there is none, and
// how to be given one. `cgroup_root` is where the tree is mounted, `proc_root` has self/cgroup.
Result<std::string> find_delegated_cgroup(const std::string& cgroup_root,
                                          const std::string& proc_root);

// A new group with memory.max = limit, no swap, and all its processes killed together. What a
// process took before hold() stays with the group it came from: some MiB of the runtime's start.
Result<std::unique_ptr<MemoryLimiter>> make_cgroup_limiter(Bytes limit,
                                                           const std::string& cgroup_root,
                                                           const std::string& proc_root);

}  // namespace batchtune

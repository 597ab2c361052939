// What holds one probe's process to a memory limit, behind one interface, and which of them a wish
// gets. Account and address space are kept by the worker itself, on request; a cgroup by the
// kernel, for the process and all that it starts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tuner/core/error.h"
#include "tuner/core/observation.h"
#include "tuner/measure/memory_readings.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune {

// Address space that the net below an account leaves for what no account knows (allocator slack, a
// runtime's own), and for the stack of each thread (8 MiB is Linux's default).
inline constexpr Bytes kAddressSpaceSlack = Bytes{256} << 20;
inline constexpr Bytes kThreadStack = Bytes{8} << 20;

class MemoryLimiter {
 public:
  virtual ~MemoryLimiter() = default;  // outlives the process that it holds; leaves nothing behind
  virtual LimiterKind kind() const = 0;

  // Puts a process that was asked nothing so far under the limit.
  virtual Status hold(pid_t) { return {}; }
  // Adds what the worker itself must keep.
  virtual void limit(protocol::Load&) const {}
  // Ends what is held, also what left its process group.
  virtual void kill_all() {}

  // Since it was made, cached files in the peak; nullopt: it does not count.
  virtual std::optional<std::int64_t> kills() const { return std::nullopt; }
  virtual std::optional<Bytes> peak() const { return std::nullopt; }
};

// For one probe. Without a limit: none. A wish that this machine or backend cannot grant is an
// environment Error with the reason; `automatic` always finds something.
Result<std::unique_ptr<MemoryLimiter>> make_limiter(LimiterWish wish, MemoryKind memory_kind,
                                                    std::optional<Bytes> limit,
                                                    const std::string& cgroup_root,
                                                    const std::string& proc_root = kProcRoot);

}  // namespace batchtune
